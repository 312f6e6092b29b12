#include "train/circumstances.h"

#include <string.h>

#include "base/version.h"
#include "device/device.h"

static void add_device(const struct device *device, int number, struct text *text)
{
    const struct platform_device *facts = device_facts(device);
    char of[32] = "";
    if (number > 0)
        snprintf(of, sizeof of, " of device %d", number + 1);
    text_printf(text, "device%s: %s, %s\n", of, facts->name, facts->platform);
    text_printf(text, "driver%s: %s\n", of, facts->driver);
    text_printf(text, "compute units%s: %d\n", of, (int)facts->compute_units);
    text_printf(text, "tuning%s: ", of);
    tuning_describe(device_tuning(device), text);
    text_add(text, "\n");
}

void circumstances_write(const struct device *device, const struct multi_device_helper *helper, int n_helpers,
                         struct text *text)
{
    text_printf(text, "dae-cl: %s\n", DAE_CL_VERSION);
    add_device(device, 0, text);
    for (int i = 0; i < n_helpers; ++i)
        add_device(helper[i].device, i + 1, text);
}

/* The value of a key of `len` bytes, up to the end of its line; NULL if it is not there. */
static const char *find(const char *text, const char *key, size_t len)
{
    for (const char *line = text; *line;) {
        if (strncmp(line, key, len) == 0 && strncmp(line + len, ": ", 2) == 0)
            return line + len + 2;
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    return NULL;
}

void circumstances_difference(const char *then, const char *now, struct text *text)
{
    for (const char *line = now; *line;) {
        const size_t len = strcspn(line, ":\n"), whole = strcspn(line, "\n");
        const char *before = find(then, line, len), *value = find(line, line, len);
        const int before_len = before ? (int)strcspn(before, "\n") : 0,
                  value_len = value ? (int)strcspn(value, "\n") : 0;
        if (before && value && (before_len != value_len || strncmp(before, value, (size_t)value_len) != 0)) {
            text_printf(text, "%s%.*s", text->len > 0 ? ", " : "", (int)len, line);
            if (strncmp(line, "tuning", 6) != 0) /* long, and no name of anything that a user knows */
                text_printf(text, " %.*s (now %.*s)", before_len, before, value_len, value);
        }
        line += whole + (line[whole] == '\n');
    }
}
