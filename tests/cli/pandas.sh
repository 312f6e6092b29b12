# Tables that pandas writes, in many dialects, are read as pandas reads them, or refused by name. PYTHON chooses another
# interpreter than python3.
. "$(dirname "$0")/harness.sh"
export DAE_CL_PLUGINS=$BUILD/plugins
python=${PYTHON:-python3}
if ! "$python" -c 'import pandas' 2>/dev/null; then
    case_is "tables of pandas"
    skip "there is no pandas"
    finish
fi
cd "$work" || exit 1
cat >told.yaml <<'END'
data: {source: csv, path: t.csv, returns: none, train_until: 2020-03}
corruption: {masking: {p: 0.2}}
model:
  input: [3]
  layers:
    - {dense: {units: 3}, name: guess, from: input}
    - {multiply: {}, name: gaps, from: [mask, guess]}
    - {add: {}, name: filled, from: [input, gaps]}
    - {dense: {units: 3}, name: last}
train: {loss: mse, optimizer: {adam: {lr: 0.01}}, batch: 16, epochs: 1}
END
cat >tables.py <<'END'
import csv, json, struct, sys
import numpy, pandas
rng = numpy.random.default_rng(3)
days = pandas.date_range("2020-01-01", "2020-06-30")
frame = pandas.DataFrame(rng.normal(100, 5, (len(days), 3)), index=days, columns=["A", "B, Inc", 'C "x"'])
frame[rng.random(frame.shape) < 0.1] = numpy.nan
frame.index.name = "date"
zoned = frame.tz_localize("Asia/Tokyo")
levels = frame.copy()
levels.columns = pandas.MultiIndex.from_product([["Close"], ["AA", "BB", "CC"]], names=["Price", "Ticker"])
stamped = frame.copy()
stamped.index = stamped.index + pandas.Timedelta("15:30:00.123456")
counted = frame.reset_index()
DIALECTS = { # name: table, how it is written, words of the refusal, further options
    "plain": (frame, {}, None), "semicolon": (frame, {"sep": ";"}, None), "tab": (frame, {"sep": "\t"}, None),
    "bar": (frame, {"sep": "|"}, None), "all_quoted": (frame, {"quoting": csv.QUOTE_ALL}, None),
    "text_quoted": (frame, {"quoting": csv.QUOTE_NONNUMERIC}, None), "crlf": (frame, {"lineterminator": "\r\n"}, None),
    "mark": (frame, {"encoding": "utf-8-sig"}, None), "na": (frame, {"na_rep": "<NA>"}, None),
    "minus_nan": (frame, {"na_rep": "-nan"}, None), "bloomberg": (frame, {"na_rep": "#N/A N/A"}, None),
    "exponent": (frame, {"float_format": "%.17e"}, None), "digits": (frame, {"float_format": "%.3f"}, None),
    "compact": (frame, {"date_format": "%Y%m%d"}, None), "slashes": (frame, {"date_format": "%Y/%m/%d"}, None),
    "zoned": (zoned, {}, None), "stamped": (stamped, {}, None), "levels": (levels, {}, None),
    "counted": (counted, {}, None), "comma": (frame, {"sep": ";", "decimal": ","}, None, "--set", "data.decimal=comma"),
    "comma_quoted": (frame, {"decimal": ","}, None, "--set", "data.decimal=comma"),
    "word": (frame, {"na_rep": "halted"}, None, "--set", "data.missing=[halted]"),
    "sentinel": (frame, {"na_rep": "-99.99"}, None, "--set", "data.missing=[-99.99]"),
    "comma_unsaid": (frame, {"sep": ";", "decimal": ","}, "or set data.decimal: comma"),
    "american": (frame, {"date_format": "%m/%d/%Y"}, "expects a date like"),
    "no_index": (frame, {"index": False}, "expects a date like"),
    "no_names": (frame, {"header": False}, "expects a row of column names before the first date"),
    "utf16": (frame, {"encoding": "utf-16"}, "UTF-16 text; save it as UTF-8"),
    "carriage": (frame, {"lineterminator": "\r"}, "a carriage return without a line feed"),
    "no_label": (frame, {"index_label": False}, "a row of 4 fields, but the first row has 3"),
}
def write(name):
    frame, how = DIALECTS[name][:2]
    frame.to_csv("t.csv", **how)
    print("\n".join(DIALECTS[name][3:]))
def compare(name):
    frame, how = DIALECTS[name][:2]
    frame = frame.set_index("date") if "date" in frame.columns else frame
    if "float_format" in how:
        frame = frame.map(lambda x: float(how["float_format"] % x))
    names = [" ".join(c) if isinstance(c, tuple) else c for c in frame.columns]
    b = open("r/model.safetensors", "rb").read()
    meta = json.loads(b[8:8 + struct.unpack("<Q", b[:8])[0]])["__metadata__"]
    text = next(v for k, v in meta.items() if "columns" in k or "panel" in k)
    train = frame[[str(day)[:7] <= "2020-03" for day in frame.index]]
    for line, name, column in zip(text.split("\n")[1:], names, train.columns):
        fields = line.split(" ", 4)
        mean, sd = [int(fields[i]) * 2.0 ** int(fields[i + 1]) for i in (0, 2)]
        x = train[column].dropna().to_numpy()
        assert fields[4] == name, (fields[4], name)
        assert abs(mean - x.mean()) < 1e-12 * 100 and abs(sd - x.std()) < 1e-12 * 100, (name, mean, x.mean(), sd, x.std())
globals()[sys.argv[1]](*sys.argv[2:]) if sys.argv[1] != "list" else print("\n".join(DIALECTS))
END
for name in $("$python" tables.py list); do
    case_is "$name"
    mapfile -t options < <("$python" tables.py write "$name")
    run "$dae_cl" run told.yaml --platform cpu --out r --force ${options[0]:+"${options[@]}"}
    wanted=$("$python" -c 'import sys; sys.argv[1:] = ["list"]; exec(open("tables.py").read().replace("print(", "str(")); print(DIALECTS["'"$name"'"][2] or "")')
    if [ -n "$wanted" ]; then
        code_is 4
        err_has "$wanted"
    else
        code_is 0
        "$python" tables.py compare "$name" 2>"$work/trace" || problem "$(tail -n 1 "$work/trace")"
    fi
done
finish
