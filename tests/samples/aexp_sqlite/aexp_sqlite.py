"""``sqlite:///path/to/file``: a queue in one SQLite file, for the processes of one machine."""

import os
import select
import sqlite3
from contextlib import closing

from aexp.domain.errors import RelayStorageError, SettingsError, StorageMissingError
from aexp.domain.profiles import POSIX
from aexp.ports.storage import QueueStorage

TABLE = """CREATE TABLE IF NOT EXISTS entries
    (folder TEXT, entry TEXT, data BLOB, PRIMARY KEY (folder, entry))"""
APPENDING = """INSERT INTO entries VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET data = CAST(data || excluded.data AS BLOB)"""


class SqliteStorage(QueueStorage):
    folder, profile, hears, shared, url = None, POSIX, False, False, ""

    def __init__(self, path):
        self.path, self.url = path, f"sqlite://{path}"

    def do(self, statement, *values):
        """One statement, which is one transaction: its rows, and how many it changed."""
        try:
            with closing(sqlite3.connect(self.path, timeout=60, isolation_level=None)) as database:
                database.execute(TABLE)
                cursor = database.execute(statement, values)
                return cursor.fetchall(), cursor.rowcount
        except sqlite3.Error as exc:
            raise RelayStorageError(
                f"{self.path}: {exc}.", "Look at the file and its disk."
            ) from exc

    def list(self, folder):
        rows, _ = self.do("SELECT entry FROM entries WHERE folder = ?", folder)
        if not folder:
            rows += self.do("SELECT DISTINCT folder FROM entries WHERE folder != ''")[0]
        return [entry for (entry,) in rows if not entry.startswith(".")]

    def read(self, name, offset=0, limit=None):
        rows, _ = self.do("SELECT data FROM entries WHERE folder = ? AND entry = ?", *split(name))
        if not rows:
            raise StorageMissingError(f"{name} is not in {self.url}.", "It may have moved on.")
        return rows[0][0][offset : None if limit is None else offset + limit]

    def put(self, name, data, *, durable=True):
        self.do("INSERT OR REPLACE INTO entries VALUES (?, ?, ?)", *split(name), data)

    def put_new(self, name, data, *, durable=True, follow=False):
        _, made = self.do("INSERT OR IGNORE INTO entries VALUES (?, ?, ?)", *split(name), data)
        return made == 1 or self.read(name) == data

    def take(self, src, dst, *, durable=False, tell=False):
        moving = "UPDATE entries SET folder = ?, entry = ? WHERE folder = ? AND entry = ?"
        return self.do(moving, *split(dst), *split(src))[1] == 1

    def remove(self, name):
        self.do("DELETE FROM entries WHERE folder = ? AND entry = ?", *split(name))

    def append(self, name, data):
        self.do(APPENDING, *split(name), data)

    def reserve(self, count):
        """SQLite cannot set space aside: where the disk is full, an answer may come late."""

    def untrusted(self, folders):
        loose = os.path.exists(self.path) and os.stat(self.path).st_mode & 0o022
        return f"Others can write {self.path}: chmod go-w {self.path}" if loose else None

    def wait(self, folders, timeout_s, also=(), file=None):
        select.select(also, [], [], max(timeout_s, 0.0))
        return False


def split(name):
    folder, _, entry = name.rpartition("/")
    return folder, entry


def open_queue(location, options):
    if not location.startswith("/"):
        raise SettingsError(f"{options.url} has no path.", "Write sqlite:///path/to/file.")
    return SqliteStorage(location)
