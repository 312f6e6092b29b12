#include "cli/command.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "config/fields.h"

enum { MAX_NAMES = 64, LINE_WIDTH = 79, OPTION_INDENT = 8 };

const struct command_option option_platform = {
    "platform", "NAME[:N]", OPTION_VALUE, false,
    "use the OpenCL device whose platform, vendor or name contains NAME, of several the N-th from 0; or cpu, gpu or auto"};
const struct command_option option_set = {"set", "KEY.PATH=VALUE", OPTION_LIST, false,
                                          "change one value of the config, as in --set train.epochs=3; repeatable"};
const struct command_option option_plugins = {"plugins", "DIR", OPTION_LIST, false,
                                              "load the plugins of this folder as well; repeatable"};
const struct command_option option_json = {"json", NULL, OPTION_FLAG, false, "print JSON"};

/* Read by every command, so in no command's own list. */
static const struct command_option option_help = {"help", NULL, OPTION_FLAG, false, "print this help"};

static const struct {
    const char *name, *meaning;
} environment[] = {
    {"DAE_CL_PLATFORM", "the OpenCL device to use, as --platform says it; --platform itself comes first, the config's "
                        "`device` comes last"},
    {"DAE_CL_DATA", "the folder that holds the data sets: mnist/, images/, finance/"},
    {"DAE_CL_KERNELS", "a folder of kernel files to use instead of the built-in ones, for their development"},
};

static int count_options(const struct command *command)
{
    int n = 0;
    while (command->options && command->options[n])
        ++n;
    return n;
}

/* The option behind the n of the command itself is --help. */
static const struct command_option *option_at(const struct command *command, int index)
{
    return index < count_options(command) ? command->options[index] : &option_help;
}

/* "--platform", "-o". */
static const char *dashed(const struct command_option *option, char out[64])
{
    snprintf(out, 64, "%s%s", option->name[1] ? "--" : "-", option->name);
    return out;
}

/* How many arguments "MODEL INPUT..." or "[NAME]" stands for. */
static void count_arguments(const char *arguments, int *min, int *max)
{
    *min = *max = 0;
    for (const char *word = arguments; *word; word += strcspn(word, " "), word += strspn(word, " ")) {
        size_t len = strcspn(word, " ");
        *min += word[0] != '[';
        *max = len > 3 && strncmp(word + len - 3, "...", 3) == 0 ? INT_MAX : *max + 1;
    }
}

const struct command *command_find(const char *name)
{
    for (int i = 0; commands[i]; ++i)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static void note_nearest(struct error *err, const char *nearest, const char *help)
{
    if (nearest)
        error_note(err, "did you mean '%s'?", nearest);
    error_note(err, "dae-cl %s", help);
}

enum dae_status command_unknown(const char *name, struct error *err)
{
    const char *names[MAX_NAMES];
    int n = 0;
    for (; commands[n] && n < MAX_NAMES; ++n)
        names[n] = commands[n]->name;
    const char *nearest = fields_nearest(name, names, n);
    char excerpt[VALUE_EXCERPT_BYTES];
    enum dae_status status = error_set(err, DAE_CONFIG, "no command is called '%s'%s%s%s", value_excerpt(name, excerpt),
                                       nearest ? " (did you mean '" : "", nearest ? nearest : "", nearest ? "'?)" : "");
    error_note(err, "dae-cl --help lists the commands");
    return status;
}
