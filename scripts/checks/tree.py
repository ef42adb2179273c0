"""The project's files as the checks see them: what git tracks or would track, read once, comments and strings
blanked out where a check looks at code only."""
import os
import re
import subprocess

CODE = (".cpp", ".hpp", ".cc", ".h")


class Finding:
    """One thing to mend: where, what is wrong, and (warning) whether it only asks for a look."""

    def __init__(self, check, path, line, text, warning=False):
        self.check, self.path, self.line, self.text, self.warning = check, path, line, text, warning

    def __str__(self):
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{place}: {self.check}{' (warning)' if self.warning else ''}: {self.text}"


class Tree:
    def __init__(self, root):
        self.root = os.path.abspath(root)
        self._text = {}
        self._code = {}
        self.paths = self._list()

    def _list(self):
        git = subprocess.run(
            ["git", "-C", self.root, "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True)
        if git.returncode == 0 and git.stdout:
            found = git.stdout.splitlines()
        else:  # a tree without git: the fixtures of the self-tests
            found = [os.path.relpath(os.path.join(folder, name), self.root)
                     for folder, _, names in os.walk(self.root) for name in names]
        return sorted(p for p in set(found) if os.path.isfile(os.path.join(self.root, p)))

    def code_paths(self):
        return [p for p in self.paths if p.endswith(CODE)]

    def text(self, path):
        if path not in self._text:
            with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as f:
                self._text[path] = f.read()
        return self._text[path]

    def lines(self, path):
        return self.text(path).splitlines()

    def code(self, path):
        """The text with comments, strings and characters overwritten by blanks; lines stay where they are."""
        if path not in self._code:
            self._code[path] = blank_comments_and_strings(self.text(path))
        return self._code[path]

    def includes(self, path):
        """(line, name, quoted) of every #include."""
        out = []
        for number, line in enumerate(self.lines(path), 1):
            m = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
            if m:
                out.append((number, m.group(2), m.group(1) == '"'))
        return out

    def all_includes(self, path):
        """Names of everything that `path` includes, through headers of ours as well."""
        seen, pending, names = set(), [path], set()
        while pending:
            here = pending.pop()
            if here in seen:
                continue
            seen.add(here)
            for _, name, _ in self.includes(here):
                names.add(name)
                if os.path.isfile(os.path.join(self.root, name)):
                    pending.append(name)
        return names


_TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^(\s]*)\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9A-Fa-f'])'(?:\\.|[^'\\\n])+'", re.S)


def blank_comments_and_strings(text):
    def blank(m):
        token = m.group(0)
        if token[0] in "\"'R":  # the quotes stay, so that what stands around them still reads as code
            return '"' + re.sub(r"[^\n]", " ", token[1:-1]) + '"'
        return re.sub(r"[^\n]", " ", token)

    return _TOKEN.sub(blank, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1
