"""What the commands of `orf-books` do and print. No rules about books, readings or classes."""
