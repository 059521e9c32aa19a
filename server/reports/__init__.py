"""Papers: what people print, as PDF with its fonts inside."""
