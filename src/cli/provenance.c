#include "cli/provenance.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "cli/output.h"
#include "cli/shell_word.h"

static void take_time(char *text, size_t len)
{
    const time_t now = time(NULL);
    struct tm calendar;
    if (now == (time_t)-1 || !gmtime_r(&now, &calendar) || strftime(text, len, "%Y-%m-%dT%H:%M:%SZ", &calendar) == 0)
        text[0] = '\0';
}

/* Appends a file of /proc, which states no size. One that cannot be read is announced: `what` is then not recorded. */
static void take_system_file(const char *path, const char *what, struct text *content)
{
    char block[4096];
    FILE *file = fopen(path, "re");
    bool whole = file != NULL;
    for (size_t n; file && (n = fread(block, 1, sizeof block, file)) > 0;)
        text_add_bytes(content, block, n);
    if (file) {
        whole = !ferror(file);
        fclose(file);
    }
    if (!whole)
        output_note("warning: %s is not recorded: %s cannot be read\n", what, path);
}

/* The first "model name : ..." of /proc/cpuinfo, which ARM kernels leave out. */
static enum dae_status take_processor(char *text, size_t len, struct error *err)
{
    struct text content CLEANUP(text_release) = {0};
    take_system_file("/proc/cpuinfo", "the processor's name", &content);
    const char *line = content.data ? strstr(content.data, "model name") : NULL,
               *colon = line ? strchr(line, ':') : NULL;
    const char *value = colon ? colon + 1 + strspn(colon + 1, " ") : "";
    snprintf(text, len, "%.*s", (int)strcspn(value, "\n"), value);
    return content.failed ? error_no_memory(err, "the processor's name", content.len) : DAE_OK;
}

/* /proc/self/cmdline has a NUL after each word. */
static enum dae_status take_command(struct text *command, struct error *err)
{
    struct text words CLEANUP(text_release) = {0};
    take_system_file("/proc/self/cmdline", "the command", &words);
    text_add(command, "");
    for (size_t at = 0; at < words.len && !words.failed; at += strlen(words.data + at) + 1) {
        text_add(command, at > 0 ? " " : "");
        shell_word_add(command, words.data + at);
    }
    return words.failed || command->failed ? error_no_memory(err, "the command line", words.len) : DAE_OK;
}

enum dae_status provenance_take(struct provenance *provenance, struct error *err)
{
    take_time(provenance->time, sizeof provenance->time);
    TRY(take_processor(provenance->processor, sizeof provenance->processor, err));
    return take_command(&provenance->command, err);
}

void provenance_release(struct provenance *provenance)
{
    text_release(&provenance->command);
}
