"""The upload API over HTTP, and the pages that readers see."""
