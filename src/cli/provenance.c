#include "cli/provenance.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "cli/shell_word.h"

static void take_time(char *text, size_t len)
{
    const time_t now = time(NULL);
    struct tm calendar;
    if (now == (time_t)-1 || !gmtime_r(&now, &calendar) || strftime(text, len, "%Y-%m-%dT%H:%M:%SZ", &calendar) == 0)
        text[0] = '\0';
}

/* The first "model name : ..." of /proc/cpuinfo, which ARM kernels leave out. */
static void take_processor(char *text, size_t len)
{
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "re");
    text[0] = '\0';
    while (file && !text[0] && fgets(line, sizeof line, file)) {
        const char *value = strncmp(line, "model name", 10) == 0 ? strchr(line, ':') : NULL;
        if (value)
            snprintf(text, len, "%.*s", (int)strcspn(value + 1 + strspn(value + 1, " "), "\n"),
                     value + 1 + strspn(value + 1, " "));
    }
    if (file)
        fclose(file);
}

/* /proc/self/cmdline has a NUL after each word. */
static void take_command(struct text *command)
{
    struct text words CLEANUP(text_release) = {0};
    char block[4096];
    FILE *file = fopen("/proc/self/cmdline", "re"); /* it states no size */
    for (size_t n; file && (n = fread(block, 1, sizeof block, file)) > 0;)
        text_add_bytes(&words, block, n);
    if (file)
        fclose(file);
    text_add(command, "");
    for (size_t at = 0; at < words.len && !words.failed; at += strlen(words.data + at) + 1) {
        text_add(command, at > 0 ? " " : "");
        shell_word_add(command, words.data + at);
    }
}

void provenance_take(struct provenance *provenance)
{
    *provenance = (struct provenance){.command = {0}};
    take_time(provenance->time, sizeof provenance->time);
    take_processor(provenance->processor, sizeof provenance->processor);
    take_command(&provenance->command);
}

void provenance_release(struct provenance *provenance)
{
    text_release(&provenance->command);
}
