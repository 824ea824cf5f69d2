"""What speaks for squall: lines of JSON in, lines of JSON out (docs/live.md).

{"publish": 17, "key": 3, "size": 100} is answered with {"ok": 17, "at": 41}, {"fail": 17} or {"info": 17}; {"read": true}
with an {"entry": 17, "at": 41} for each ticket that the service holds, and {"end": true} once the last of them was told.
"""

import http.client
import json
import sys
import threading
import time

SERVER = sys.argv[1].split(",")[0]
# The service says at once whether it has a ticket; whoever hears nothing for this long sends it again.
TIMEOUT = 1.0
ATTEMPTS = 6

output = threading.Lock()


def say(**what):
    with output:
        print(json.dumps(what), flush=True)


def ask(method, path, body=None):
    connection = http.client.HTTPConnection(SERVER, 7000, timeout=TIMEOUT)
    try:
        connection.request(method, path, body)
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def publish(id, size):
    body = json.dumps({"id": id, "text": "x" * size})
    for _ in range(ATTEMPTS):
        try:
            return say(ok=id, at=ask("POST", "/tickets", body)["number"])
        except (OSError, ValueError, http.client.HTTPException):
            time.sleep(0.2)
    # It may have the ticket all the same.
    say(info=id, why="no answer")


def read():
    after = 0
    while True:
        try:
            told = ask("GET", f"/tickets?after={after}")
        except (OSError, ValueError, http.client.HTTPException) as error:
            return say(end=False, why=str(error))
        for number, id in told["tickets"]:
            say(entry=id, at=number)
            after = number
        if after >= told["last"]:
            return say(end=True)


say(ready=True)
for line in sys.stdin:
    asked = json.loads(line)
    if "publish" in asked:
        arguments = (asked["publish"], asked["size"])
        threading.Thread(target=publish, args=arguments, daemon=True).start()
    elif "read" in asked:
        threading.Thread(target=read, daemon=True).start()
