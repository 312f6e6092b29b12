# tools/layers.sh finds each kind of violation, and none in this tree.
. "$(dirname "$0")/harness.sh"

case_is "this tree"
run bash tools/layers.sh
code_is 0
err_is </dev/null

breach() { # FILE LINE MESSAGE: a copy of the tree with one more line
    case_is "$1 with $2"
    rm -rf "$work/tree"
    mkdir -p "$work/tree/tests" "$work/tree/kernels"
    cp -r src plugins "$work/tree"
    mkdir -p "$work/tree/$(dirname "$1")"
    echo "$2" >>"$work/tree/$1"
    run bash tools/layers.sh "$work/tree"
    code_is 1
    grep -qxF "layers: $1: $3" "$work/err" || problem "$(cat "$work/err")"
}
breach src/base/text.c '#include "config/tree.h"' '"config/tree.h" is on a floor above'
breach src/dae/plugin.h '#include "base/error.h"' '"base/error.h" is on a floor above'
breach src/graph/network.c '  #  include "train/settings.h"' '"train/settings.h" is on a floor above'
breach src/data/dataset.c '#include "device/device.h"' '"device/device.h" is on a floor above'
breach src/study/panel/new.c '#include "cli/command.h"' '"cli/command.h" is on a floor above'
breach src/study/new.c '#include "cli/command.h"' '"cli/command.h" is on a floor above'
breach src/report/html.c '#include "train/settings.h"' \
    '"train/settings.h": report draws what it is given, and includes base alone'
breach src/train/settings.c '#include <yaml.h>' '<yaml.h> may only be included in src/config/'
breach src/graph/executor.c '#include <CL/cl.h>' '<CL/cl.h> may only be included in src/device/ src/driver/details.c'
breach src/cli/main.c '#include <cjson/cJSON.h>' '<cjson/cJSON.h> may only be included in src/base/json.h'
breach src/cli/main.c '#include <dlfcn.h>' '<dlfcn.h> may only be included in src/graph/ src/train/transport_file.c src/base/library_file.c src/driver/probe.c src/driver/details.c'
breach src/base/text.c '#include <curl/curl.h>' '<curl/curl.h> has no home; name one in tools/layers.sh'
breach src/base/text.c '#include "nowhere/x.h"' '"nowhere/x.h" names no floor'
breach src/newfloor/x.c '#include "base/text.h"' 'src/newfloor is no floor'
breach plugins/relu.c '#include "graph/registry.h"' '"graph/registry.h": a plugin sees dae/plugin.h alone'
breach plugins/relu.c '#include <CL/cl.h>' '<CL/cl.h>: a plugin links to nothing'
breach plugins/transports/mpi.c '#include "train/ranks.h"' \
    'train/ranks.h: a transport sees dae/transport.h and its own library alone'
by_name='the host knows no plugin, source or study by name'
breach src/study/score.c 'bool x(const char *a) { return strcmp(a, "mse") == 0; }' "\"mse\": $by_name"
breach src/graph/network.c 'const char *y = "gaussian";' "\"gaussian\": $by_name"
breach src/cli/verify.c 'const char *y = "image_pairs";' "\"image_pairs\": $by_name"
breach src/cli/run.c 'const char *y = "noise_levels";' "\"noise_levels\": $by_name"
long_file=$(yes '/* */' | head -n 601)
breach src/base/long.c "$long_file" '601 lines; more than 600: is there a second room inside?'
name="a file of 601 lines" # rather than all of them

finish
