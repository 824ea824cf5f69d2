"""GitHub's expressions, as far as our files use them: strings, ==, !=, !, &&, ||, parentheses, contexts, and the
functions that ask how the job is going."""

import re

TOKEN = re.compile(r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<op>==|!=|&&|\|\||!|\(|\)|,)|(?P<name>[A-Za-z_][\w.-]*))")
PYTHON = {"&&": " and ", "||": " or ", "!": " not ", "==": " == ", "!=": " != "}


class Context(dict):
    """Nested dictionaries; what is not there is an error, as a typing mistake would be. Steps that did not run yet are
    an exception: GitHub takes them for empty, and so it is for outputs that a step did not write."""

    def find(self, name):
        value = self
        parts = name.split(".")
        for depth, part in enumerate(parts):
            if isinstance(value, dict) and part in value:
                value = value[part]
            elif parts[0] == "steps" and depth == 3 or parts[0] == "needs" and depth == 1:
                return ""
            else:
                raise KeyError(f"no {part} in {name}")
        return value


def evaluate(expression, context, status="success"):
    """The value of an expression, without its ${{ }}."""
    python, names, position = "", {}, 0
    expression = expression.strip()
    while position < len(expression):
        token = TOKEN.match(expression, position)
        if not token:
            raise ValueError(f"cannot read {expression[position:]!r}")
        position = token.end()
        if token["text"]:
            python += repr(token["text"][1:-1].replace("''", "'"))
        elif token["op"]:
            python += PYTHON.get(token["op"], token["op"])
        elif expression[position:].lstrip().startswith("("):
            answers = {"always": True, "success": status == "success", "failure": status == "failure",
                       "cancelled": status == "cancelled"}
            python += "(lambda: " + str(answers[token["name"]]) + ")"
        else:
            names[f"v{len(names)}"] = context.find(token["name"])
            python += f"v{len(names) - 1}"
    return eval(python, {"__builtins__": {}}, names)  # noqa: S307: our own files


def fill(text, context, status="success"):
    """A string with each ${{ }} replaced by its value."""
    def value(match):
        found = evaluate(match[1], context, status)
        return str(found).lower() if isinstance(found, bool) else str(found)

    return re.sub(r"\$\{\{(.*?)\}\}", value, str(text))


def holds(condition, context, status):
    """Whether a step or job with this `if` runs: without a function in it, only while all is well."""
    condition = str(condition if condition is not None else "success()")
    condition = re.sub(r"^\s*\$\{\{(.*)\}\}\s*$", r"\1", condition)
    if not re.search(r"\b(always|success|failure|cancelled)\(\)", condition):
        condition = f"success() && ({condition})"
    return bool(evaluate(condition, context, status))
