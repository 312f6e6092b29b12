#include "cli/completion.h"

#include <stdio.h>
#include <string.h>

#include "config/fields.h"

static const struct {
    const char *name;
    void (*print)(const struct completion *base, struct text *out);
} shells[] = {{"bash", completion_bash}, {"fish", completion_fish}, {"zsh", completion_zsh}};

enum { N_SHELLS = sizeof shells / sizeof shells[0] };

static bool is(const struct completion *completion, const char *word)
{
    return strlen(word) == completion->len && memcmp(completion->placeholder, word, completion->len) == 0;
}

static bool contains(const struct completion *completion, const char *characters)
{
    for (size_t i = 0; i < completion->len; ++i)
        if (strchr(characters, completion->placeholder[i]))
            return true;
    return false;
}

/* An unknown placeholder is a file, which is what shells offer if nobody tells them. */
static enum completion_kind kind_of(const struct completion *completion)
{
    static const char *const numbers[] = {"N", "HxW", "MIB", "ENDING", "KEY.PATH=VALUE"};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; ++i)
        if (is(completion, numbers[i]))
            return COMPLETE_NOTHING;
    if (is(completion, "FILE|DIR"))
        return COMPLETE_FILES;
    if (contains(completion, "|") || is(completion, "COMMAND"))
        return COMPLETE_WORDS;
    if ((is(completion, "NAME") || is(completion, "KIND")) && completion->command->row)
        return COMPLETE_WORDS;
    if (contains(completion, "=:,"))
        return COMPLETE_NOTHING;
    if (is(completion, "CONFIG"))
        return COMPLETE_CONFIGS;
    return is(completion, "DIR") ? COMPLETE_FOLDERS : COMPLETE_FILES;
}

static void begin(struct completion *completion, const struct command *command, const char *text, size_t len)
{
    completion->command = command;
    completion->placeholder = text;
    completion->len = len;
    completion->kind = kind_of(completion);
}

bool completion_argument(struct completion *completion, const struct command *command, int index, bool *repeated)
{
    const char *word = command->arguments;
    for (int i = 0; i < index && *word; ++i) {
        word += strcspn(word, " ");
        word += strspn(word, " ");
    }
    if (!*word)
        return false;
    size_t len = strcspn(word, " ");
    *repeated = len > 3 && strncmp(word + len - 3, "...", 3) == 0;
    if (*repeated)
        len -= 3;
    if (*word == '[') {
        ++word;
        len -= 1 + (size_t)(word[len - 2] == ']');
    }
    begin(completion, command, word, len);
    if (index > 0 && is(completion, "NAME"))
        completion->kind = COMPLETE_NOTHING; /* rows describe the first argument */
    return true;
}

void completion_value(struct completion *completion, const struct command *command, const struct command_option *option)
{
    begin(completion, command, option->value, strlen(option->value));
}

void completion_words(const struct completion *completion, void *context,
                      void (*word)(void *context, const char *text, size_t len, const char *meaning))
{
    const char *name, *meaning;
    if (completion->kind == COMPLETE_CONFIGS)
        for (int i = 0; i < completion->n_configs; ++i)
            word(context, completion->config[i].name, strlen(completion->config[i].name),
                 completion->config[i].summary);
    if (completion->kind != COMPLETE_WORDS)
        return;
    const char *end = completion->placeholder + completion->len;
    if (contains(completion, "|")) {
        for (const char *at = completion->placeholder; at < end; ++at) {
            size_t len = strcspn(at, "|");
            if (len > (size_t)(end - at))
                len = (size_t)(end - at);
            word(context, at, len, "");
            at += len;
        }
        return;
    }
    for (int i = 0; is(completion, "COMMAND") && commands[i]; ++i)
        word(context, commands[i]->name, strlen(commands[i]->name), commands[i]->summary);
    for (int i = 0; completion->command->row && completion->command->row(i, &name, &meaning); ++i)
        word(context, name, strlen(name), meaning);
}

enum dae_status completion_print(const char *shell, struct error *err)
{
    const char *names[N_SHELLS];
    int number = -1, n;
    for (int i = 0; i < N_SHELLS; ++i) {
        names[i] = shells[i].name;
        if (strcmp(shell, names[i]) == 0)
            number = i;
    }
    if (number < 0)
        return fields_unknown(NULL, "supported shell", shell, names, N_SHELLS, err);
    struct arena arena = {0};
    struct shipped *list;
    struct text text = {0};
    enum dae_status status = shipped_list("configs", &arena, &list, &n, err);
    if (status == DAE_OK) {
        const struct completion base = {.config = list, .n_configs = n};
        shells[number].print(&base, &text);
        status = text.failed ? error_no_memory(err, "completion", text.len) : DAE_OK;
    }
    if (status == DAE_OK)
        fputs(text.data, stdout);
    text_release(&text);
    arena_release(&arena);
    return status;
}
