"""The revisions, one a module; once released, none of them changes."""
