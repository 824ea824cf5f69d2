"""A queue of tickets in SQLite, behind HTTP.

POST /tickets {"id": 17, "text": "..."} answers 201 with the ticket's number once the ticket is on disk; a request that is
sent again gets the number that its id has already. GET /tickets?after=N answers the tickets after number N, and the last
number that there is.
"""

import argparse
import json
import os
import sqlite3
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

# The two mistakes that system.yaml knows by name.
ANSWERS_EARLY = os.environ.get("TICKETS_ANSWER") == "early"
IGNORES_IDS = os.environ.get("TICKETS_IDS") == "ignored"


class Tickets:
    """One connection, one writer at a time."""

    def __init__(self, folder):
        self.lock = threading.Lock()
        self.database = sqlite3.connect(
            os.path.join(folder, "tickets.db"), check_same_thread=False, isolation_level=None
        )
        self.database.execute("PRAGMA journal_mode = WAL")
        # FULL syncs the log at each commit; OFF leaves that to the operating system.
        self.database.execute(f"PRAGMA synchronous = {'OFF' if ANSWERS_EARLY else 'FULL'}")
        unique = "" if IGNORES_IDS else "UNIQUE"
        self.database.execute(
            "CREATE TABLE IF NOT EXISTS tickets ("
            f"number INTEGER PRIMARY KEY AUTOINCREMENT, id INTEGER {unique}, text TEXT)"
        )

    def add(self, id, text):
        with self.lock:
            if not IGNORES_IDS:
                known = self.database.execute("SELECT number FROM tickets WHERE id = ?", (id,))
                row = known.fetchone()
                if row:
                    return row[0]
            added = self.database.execute("INSERT INTO tickets (id, text) VALUES (?, ?)", (id, text))
            return added.lastrowid

    def after(self, number):
        with self.lock:
            rows = self.database.execute(
                "SELECT number, id FROM tickets WHERE number > ? ORDER BY number LIMIT 500", (number,)
            ).fetchall()
            last = self.database.execute("SELECT max(number) FROM tickets").fetchone()[0]
        return {"tickets": rows, "last": last or 0}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    tickets = None

    def answer(self, code, value):
        body = json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        ticket = json.loads(self.rfile.read(length))
        number = self.tickets.add(ticket["id"], ticket.get("text", ""))
        self.answer(201, {"number": number})

    def do_GET(self):
        after = parse_qs(urlparse(self.path).query).get("after", ["0"])[0]
        self.answer(200, self.tickets.after(int(after)))

    def log_message(self, *_):
        pass


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--listen", required=True)
    arguments.add_argument("--data", required=True)
    arguments = arguments.parse_args()
    host, port = arguments.listen.rsplit(":", 1)
    Handler.tickets = Tickets(arguments.data)
    print("listening on", arguments.listen, flush=True)
    ThreadingHTTPServer((host, int(port)), Handler).serve_forever()


main()
