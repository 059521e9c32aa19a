"""What several measurements share: a lean HTTP client, the systems compared, and their memory."""
