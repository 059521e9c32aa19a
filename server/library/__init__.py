"""The library as this house keeps it: published checklists, their drafts, and the organisations' own limits.

Published versions and limits are documents of the database `library`, which tablets replicate; drafts lie in
`registry`, which nobody does. What may become of them is said in `checklists`; here it is read and written.
"""
