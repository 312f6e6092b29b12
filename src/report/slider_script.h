/* The script that moves the edge between the two pictures of a slider; without scripts it stays in the middle. Private
 * to src/report. */
#ifndef REPORT_SLIDER_SCRIPT_H
#define REPORT_SLIDER_SCRIPT_H

/* As of report/sort_script.h; tests/cli/images.sh computes it again. */
#define SLIDER_SCRIPT_HASH "sha256-9JmWT0kCjMjzt4/MRluugJ4nBHxvua2GCVOXxBQHV5Q="

static const char slider_script[] =
    "document.currentScript.previousElementSibling.oninput = event => {\n"
    "  const cut = event.target;\n"
    "  if (cut.type === \"range\") cut.closest(\".slider\").style.setProperty(\"--cut\", cut.value + \"%\");\n"
    "};\n";

#endif
