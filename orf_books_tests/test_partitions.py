import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orf_books.books.goodreads_csv import LibraryEntry, read_goodreads_export
from orf_books.dagster_internals import PooledSqliteEventLogStorage
from orf_books.failures import FixInput
from orf_books.partitions import (
    KEYS_AT_ONCE,
    LONGEST_KEY,
    book_key,
    books,
    partition_key,
    register,
    text_of_partition_key,
)
