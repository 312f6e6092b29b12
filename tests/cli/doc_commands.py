"""The commands of a page's ```sh blocks, one a line, quoted for a shell: doc_commands.py PAGE.md"""
import re
import shlex
import sys


def statements(block):
    """Lines without comments; a quoted text may go over several, and a backslash joins two."""
    text, quote, i = "", "", 0
    block = block.replace("\\\n", " ") + "\n"
    while i < len(block):
        c = block[i]
        if not quote and c == "#" and (not text or text[-1].isspace()):
            i = block.index("\n", i)
            continue
        if c in "'\"" and quote in ("", c):
            quote = "" if quote else c
        if c == "\n" and not quote:
            yield text
            text = ""
        else:
            text += c
        i += 1


for block in re.findall(r"^ *```sh\n(.*?)^ *```", open(sys.argv[1], encoding="utf-8").read(), re.S | re.M):
    for statement in statements(block):
        words = shlex.shlex(statement, posix=True, punctuation_chars=";|&<>")
        words.whitespace_split = True
        words.commenters = ""
        command = []
        for word in [*words, ";"]:
            if word and not word.strip(";|&<>"):
                if command and command[0]:
                    print(shlex.join(" ".join(word.split()) for word in command))
                command = [""] if "<" in word or ">" in word else []  # a file follows, not a command
            else:
                command.append(word)
