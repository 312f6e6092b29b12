# One file and one line add a source of data or a study to its table.
. "$(dirname "$0")/harness.sh"

# Builds the program with files of a changed copy of src/ instead of those in the library.
build() { # FILE...
    local libraries
    libraries=$(make -s --eval 'libraries: ; @echo $(LIBS)' libraries)
    # shellcheck disable=SC2086 # several words
    (cd "$work" && cc -std=c11 -Isrc -D_POSIX_C_SOURCE=200809L -DCL_TARGET_OPENCL_VERSION=120 -pthread ${SAN:-} \
        -o dae-cl "$@" "$BUILD"/src/cli/*.o "$BUILD/libdae.a" $libraries)
}

cp -r src "$work"
ln -s "$BUILD/plugins" "$work/plugins"
cat >"$work/src/data/sources/ramp.c" <<'END'
#include <stdlib.h>

#include "data/sources/drawn.h"

struct options {
    struct drawn drawn;
    int64_t len;
};

static const struct dae_row rows[] = {
    DRAWN_ROWS("3", "2", "ramps"),
    DAE_INT(struct options, len, 8, 1, 100, "numbers of a ramp"),
    {.key = NULL},
};

static enum dae_status draw(int64_t n, int64_t len, struct dataset *set, struct error *err)
{
    float *x = malloc((size_t)(n * len) * sizeof *x);
    *set = (struct dataset){.n = n, .shape = {.rank = 1, .dim = {len}}, .kind = DATASET_FLOAT, .values = x};
    for (int64_t i = 0; x && i < n * len; ++i)
        x[i] = (float)(i % len);
    return x ? DAE_OK : error_no_memory(err, "ramps", 0);
}

static enum dae_status load(const void *options, struct dataset *train, struct dataset *test,
                            struct source_notice *notice, struct error *err)
{
    const struct options *o = options;
    (void)notice;
    TRY(draw(o->drawn.train, o->len, train, err));
    return draw(o->drawn.test, o->len, test, err);
}

const struct source source_ramp = {
    .name = "ramp", .help = "straight lines", .rows = rows, .options_bytes = sizeof(struct options), .load = load};
END
cat >"$work/src/study/nothing.c" <<'END'
#include "study/study.h"

static enum dae_status run(struct study_task *task, const void *options, struct study_result *result, struct error *err)
{
    (void)task, (void)options, (void)err;
    result->title = "Nothing";
    result->about = "Nothing was asked.";
    return DAE_OK;
}

const struct study study_nothing = {.name = "nothing", .help = "asks nothing", .run = run};
END
sed -i 's/^    X(mnist) .*/    X(ramp) X(mnist) \\/' "$work/src/data/source.h"
sed -i 's/^    X(noise_levels) .*/    X(nothing) X(noise_levels) \\/' "$work/src/study/study.h"

case_is "a source of data and a study"
run build src/data/source.c src/data/sources/ramp.c src/study/study.c src/study/nothing.c
code_is 0
cat >"$work/ramp.yaml" <<'END'
data: {source: ramp, len: 4}
model: {input: [4], layers: [{dense: {units: 4}}]}
train: {loss: mse, optimizer: sgd, batch: 3, epochs: 1}
studies: [nothing]
END
run "$work/dae-cl" run "$work/ramp.yaml" --out "$work/run"
code_is 0
err_has "data: ramp (3 training, 2 test samples of 4)"
grep -q "Nothing was asked." "$work/run/report.html" || problem "the study is not in the report"

case_is "the manual, the messages and the schema know them"
run "$work/dae-cl" plugins --markdown
out_has "| len | integer | 1 to 100 | 8 | numbers of a ramp |"
run "$work/dae-cl" schema
out_has "numbers of a ramp"
out_has "asks nothing"
run "$work/dae-cl" check "$work/ramp.yaml" --set data.len=101
code_is 2
err_has "data.len: expects an integer from 1 to 100, got '101'"
run "$work/dae-cl" check "$work/ramp.yaml" --set data.source=rampp
err_has "(did you mean 'ramp'?)"

finish
