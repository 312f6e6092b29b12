"""formats.py DAE_CL DOCUMENT: writes the table that `dae-cl help formats --markdown` prints into the document."""
import subprocess
import sys

BEGIN, END = "<!-- dae-cl help formats --markdown -->\n", "<!-- end -->\n"
table = subprocess.run([sys.argv[1], "help", "formats", "--markdown"], check=True, capture_output=True, text=True).stdout
with open(sys.argv[2]) as file:
    before, rest = file.read().split(BEGIN)
after = rest.split(END, 1)[1]
with open(sys.argv[2], "w") as file:
    file.write(before + BEGIN + table + END + after)
