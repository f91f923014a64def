"""The page on which a reader uploads an export, watches its progress, and gets to the dashboard.

Belongs here: filling its template. Does not belong here: what happens to the file
(`orf_books/serve`).
"""

from orf_books.pages.templating import page_template


def render_upload_page(most_bytes: int) -> str:
    """Make the page.

    Args:
        most_bytes: that a file may have.
    """
    return page_template("upload.html.jinja").render(most_bytes=most_bytes)
