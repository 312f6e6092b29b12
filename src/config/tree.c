#include "config/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

/* ---- Text before libyaml sees it. -------------------------------------------------------------------------------- */

/* Length in bytes of the UTF-8 character at text[0..len), or 0: RFC 3629, so without overlong forms, surrogates and
 * code points above U+10FFFF. */
static size_t character_bytes(const unsigned char *text, size_t len, unsigned long *code)
{
    static const unsigned long least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char c = text[0];
    size_t bytes = c < 0x80 ? 1 : (c & 0xe0) == 0xc0 ? 2 : (c & 0xf0) == 0xe0 ? 3 : (c & 0xf8) == 0xf0 ? 4 : 0;
    if (bytes == 0 || bytes > len)
        return 0;
    *code = bytes == 1 ? c : c & (0x7fu >> bytes);
    for (size_t i = 1; i < bytes; ++i) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (text[i] & 0x3f);
    }
    bool surrogate = *code >= 0xd800 && *code <= 0xdfff;
    return *code < least[bytes] || surrogate || *code > 0x10ffff ? 0 : bytes;
}

/* The characters YAML 1.2 calls printable (section 5.1), which are those libyaml reads. */
static bool is_printable(unsigned long c)
{
    return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c <= 0x7e) || c == 0x85 ||
           (c >= 0xa0 && c != 0xfffe && c != 0xffff);
}

/* libyaml only reports the byte's offset for these, so they are found here, with line and column. */
static enum dae_status check_characters(struct mark mark, const char *text, size_t len, struct error *err)
{
    bool lines = mark.line > 0;
    for (size_t at = 0; at < len;) {
        unsigned long code;
        size_t bytes = character_bytes((const unsigned char *)text + at, len - at, &code);
        if (bytes == 0)
            return error_at(err, DAE_CONFIG, mark, "byte 0x%02x is not UTF-8; %s", (unsigned char)text[at],
                            lines ? "save the file as UTF-8" : "a config contains UTF-8 text");
        if (code == 0)
            return error_at(err, DAE_CONFIG, mark, "a NUL byte; this is not a text file");
        if (!is_printable(code))
            return error_at(err, DAE_CONFIG, mark, "the character U+%04lX is not allowed", code);
        bool line_ends = code == '\n' || (code == '\r' && !(at + 1 < len && text[at + 1] == '\n'));
        mark.column = line_ends ? lines : mark.column + lines;
        mark.line += line_ends && lines;
        at += bytes;
    }
    return DAE_OK;
}

/* ---- Events to tree. --------------------------------------------------------------------------------------------- */

struct reader {
    const char *file;
    bool lines; /* marks have lines and columns; those of --set do not */
    const char *text;
    size_t len;
    struct arena *arena;
    struct value *root;
    struct value *open[TREE_MAX_DEPTH]; /* the lists and maps around the next event */
    int n_open;
    int most_open;   /* TREE_MAX_DEPTH minus the depth at which the tree will be inserted */
    const char *key; /* in an open map: the key that was read and has no value yet */
    struct mark key_mark;
    int n_events;
};

static struct mark mark_of(const struct reader *reader, yaml_mark_t mark)
{
    if (!reader->lines)
        return (struct mark){.file = reader->file};
    return (struct mark){reader->file, (int)mark.line + 1, (int)mark.column + 1};
}

/* The byte at a libyaml index, which counts characters. */
static char byte_at(const struct reader *reader, size_t character)
{
    for (size_t i = 0; i < reader->len; ++i)
        if (((unsigned char)reader->text[i] & 0xc0) != 0x80 && character-- == 0)
            return reader->text[i];
    return '\0';
}

static enum dae_status report_syntax(const struct reader *reader, const yaml_parser_t *parser, struct error *err)
{
    if (parser->error == YAML_MEMORY_ERROR)
        return error_no_memory(err, reader->file, reader->len);
    struct mark mark = mark_of(reader, parser->problem_mark);
    const char *problem = parser->problem ? parser->problem : "not YAML";
    /* For the two most common errors, libyaml's message does not help. */
    if (strstr(problem, "cannot start any token")) {
        char c = byte_at(reader, parser->problem_mark.index);
        if (c == '\t')
            return error_at(err, DAE_CONFIG, mark, "a tab cannot indent; use spaces");
        return error_at(err, DAE_CONFIG, mark, "a value cannot begin with '%c'; put it in quotes", c);
    }
    if (strstr(problem, "mapping values are not allowed"))
        return error_at(err, DAE_CONFIG, mark, "a ':' is not allowed here; check the indentation, or quote the text");
    if (!parser->context)
        return error_at(err, DAE_CONFIG, mark, "%s", problem);
    enum dae_status status = error_at(err, DAE_CONFIG, mark, "%s %s", problem, parser->context);
    struct mark context = mark_of(reader, parser->context_mark);
    if (context.line > 0 && (context.line != mark.line || context.column != mark.column))
        error_note(err, "it begins at %s:%d:%d", context.file, context.line, context.column);
    return status;
}

/* Adds a value to the innermost open list or map, under the pending key, or makes it the root. */
static enum dae_status attach(struct reader *reader, struct value *value, struct error *err)
{
    bool done = value != NULL;
    if (value && reader->n_open == 0) {
        reader->root = value;
    } else if (value) {
        struct value *parent = reader->open[reader->n_open - 1];
        done = parent->kind == VALUE_MAP ? value_map_add(reader->arena, parent, reader->key, reader->key_mark, value)
                                         : value_list_add(reader->arena, parent, value);
    }
    reader->key = NULL;
    return done ? DAE_OK : error_no_memory(err, reader->file, sizeof *value);
}

static bool wants_key(const struct reader *reader)
{
    return reader->n_open > 0 && reader->open[reader->n_open - 1]->kind == VALUE_MAP && !reader->key;
}

static enum dae_status read_scalar(struct reader *reader, const yaml_event_t *event, struct error *err)
{
    struct mark mark = mark_of(reader, event->start_mark);
    const char *text = (const char *)event->data.scalar.value;
    size_t len = event->data.scalar.length;
    if (strlen(text) != len)
        return error_at(err, DAE_CONFIG, mark, "a NUL character is not allowed in a text");
    if (!wants_key(reader)) {
        struct value *value =
            value_scalar_new(reader->arena, text, event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE);
        if (value)
            value->mark = mark;
        return attach(reader, value, err);
    }
    if (len == 0)
        return error_at(err, DAE_CONFIG, mark, "an empty key");
    reader->key = arena_text(reader->arena, text, len);
    reader->key_mark = mark;
    return reader->key ? DAE_OK : error_no_memory(err, reader->file, len);
}

static enum dae_status open_collection(struct reader *reader, const yaml_event_t *event, struct error *err)
{
    struct mark mark = mark_of(reader, event->start_mark);
    bool is_map = event->type == YAML_MAPPING_START_EVENT;
    if (wants_key(reader))
        return error_at(err, DAE_CONFIG, mark, "a key must be a word, not a %s", is_map ? "map" : "list");
    if (reader->n_open == reader->most_open)
        return error_at(err, DAE_CONFIG, mark, "lists and maps are nested deeper than %d levels", TREE_MAX_DEPTH);
    struct value *value = is_map ? value_map_new(reader->arena) : value_list_new(reader->arena);
    if (value)
        value->mark = mark;
    TRY(attach(reader, value, err));
    reader->open[reader->n_open++] = value;
    return DAE_OK;
}

static int compare_entries(const void *left, const void *right)
{
    const struct entry *a = *(const struct entry *const *)left, *b = *(const struct entry *const *)right;
    int order = strcmp(a->key, b->key);
    return order ? order : (a > b) - (a < b);
}

/* Sorts instead of comparing pairs, because a map may have thousands of keys. Of several duplicates the first in the
 * text is reported. */
static enum dae_status check_duplicates(const struct reader *reader, const struct value *map, struct error *err)
{
    if (map->n < 2)
        return DAE_OK;
    const struct entry **sorted = malloc((size_t)map->n * sizeof *sorted);
    if (!sorted)
        return error_no_memory(err, reader->file, (size_t)map->n * sizeof *sorted);
    for (int i = 0; i < map->n; ++i)
        sorted[i] = &map->entries[i];
    qsort(sorted, (size_t)map->n, sizeof *sorted, compare_entries);
    const struct entry *first = NULL, *second = NULL;
    for (int i = 1; i < map->n; ++i)
        if (strcmp(sorted[i - 1]->key, sorted[i]->key) == 0 && (!second || sorted[i] < second)) {
            first = sorted[i - 1];
            second = sorted[i];
        }
    free(sorted);
    if (!second)
        return DAE_OK;
    char key[VALUE_EXCERPT_BYTES];
    enum dae_status status =
        error_at(err, DAE_CONFIG, second->mark, "key '%s' is given twice", value_excerpt(second->key, key));
    if (first->mark.line > 0)
        error_note(err, "the first is at %s:%d:%d", first->mark.file, first->mark.line, first->mark.column);
    return status;
}

static enum dae_status refuse_extras(const struct reader *reader, const yaml_event_t *event, struct error *err)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
    }
    struct mark mark = mark_of(reader, event->start_mark);
    if (event->type == YAML_ALIAS_EVENT || anchor)
        return error_at(err, DAE_CONFIG, mark, "anchors (&) and aliases (*) are not allowed; write the value out");
    if (tag || (event->type == YAML_DOCUMENT_START_EVENT &&
                event->data.document_start.tag_directives.start != event->data.document_start.tag_directives.end))
        return error_at(err, DAE_CONFIG, mark, "tags (!) are not allowed");
    return DAE_OK;
}

static enum dae_status read_event(struct reader *reader, const yaml_event_t *event, struct error *err)
{
    if (++reader->n_events > TREE_MAX_EVENTS)
        return error_at(err, DAE_CONFIG, mark_of(reader, event->start_mark),
                        "too large: more than %d keys, values and brackets", TREE_MAX_EVENTS);
    TRY(refuse_extras(reader, event, err));
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (reader->root)
            return error_at(err, DAE_CONFIG, mark_of(reader, event->start_mark),
                            "a second document begins here; only one is allowed");
        return DAE_OK;
    case YAML_SCALAR_EVENT:
        return read_scalar(reader, event, err);
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        return open_collection(reader, event, err);
    case YAML_MAPPING_END_EVENT:
        TRY(check_duplicates(reader, reader->open[reader->n_open - 1], err));
        --reader->n_open;
        return DAE_OK;
    case YAML_SEQUENCE_END_EVENT:
        --reader->n_open;
        return DAE_OK;
    default:
        return DAE_OK;
    }
}

static enum dae_status read_events(struct reader *reader, yaml_parser_t *parser, struct error *err)
{
    for (bool more = true; more;) {
        yaml_event_t event;
        if (!yaml_parser_parse(parser, &event))
            return report_syntax(reader, parser, err);
        enum dae_status status = read_event(reader, &event, err);
        more = event.type != YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
        TRY(status);
    }
    const struct value *root = reader->root;
    if (!root || (root->kind == VALUE_SCALAR && !root->quoted && !root->text[0]))
        return error_at(err, DAE_CONFIG, (struct mark){.file = reader->file}, "contains no value");
    return DAE_OK;
}

static enum dae_status parse(struct reader *reader, struct value **root, struct error *err)
{
    struct mark start = {reader->file, reader->lines, reader->lines};
    if (reader->len > TREE_MAX_BYTES)
        return error_at(err, DAE_CONFIG, (struct mark){.file = reader->file}, "too large: more than %d bytes",
                        TREE_MAX_BYTES);
    TRY(check_characters(start, reader->text, reader->len, err));
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return error_no_memory(err, reader->file, sizeof parser);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)reader->text, reader->len);
    enum dae_status status = read_events(reader, &parser, err);
    yaml_parser_delete(&parser);
    if (status == DAE_OK)
        *root = reader->root;
    return status;
}

enum dae_status tree_parse_text(const char *name, const char *text, size_t len, struct arena *arena,
                                struct value **root, struct error *err)
{
    const char *file = arena_text(arena, name, strlen(name));
    if (!file)
        return error_no_memory(err, name, strlen(name));
    /* Some editors start a file with a byte-order mark; it would shift the columns of line 1. */
    size_t skip = len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    struct reader reader = {
        .file = file,
        .lines = true,
        .text = text + skip,
        .len = len - skip,
        .arena = arena,
        .most_open = TREE_MAX_DEPTH,
    };
    return parse(&reader, root, err);
}

/* ---- Files. ------------------------------------------------------------------------------------------------------ */

/* Reads to the end of the file, but never more than `most` bytes. */
static enum dae_status read_up_to(int fd, const char *path, char *bytes, size_t most, size_t *len, struct error *err)
{
    *len = 0;
    while (*len < most) {
        ssize_t got = read(fd, bytes + *len, most - *len);
        if (got == 0)
            break;
        if (got > 0)
            *len += (size_t)got;
        else if (errno != EINTR)
            return error_set(err, DAE_IO, "%s: cannot be read: %s", path, strerror(errno));
    }
    return DAE_OK;
}

enum dae_status tree_parse_file(const char *path, struct arena *arena, struct value **root, struct error *err)
{
    /* O_NONBLOCK: opening a FIFO that nobody writes to must not hang. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return error_set(err, DAE_CONFIG, "%s: cannot be opened: %s", path, strerror(errno));
    enum dae_status status;
    char *bytes = NULL;
    size_t len;
    struct stat info;
    if (fstat(fd, &info) != 0) {
        status = error_set(err, DAE_IO, "%s: cannot be examined: %s", path, strerror(errno));
        goto done;
    }
    if (!S_ISREG(info.st_mode)) {
        status = error_set(err, DAE_CONFIG, "%s: is not a regular file", path);
        goto done;
    }
    const size_t most = (size_t)TREE_MAX_BYTES + 1; /* one more byte shows that there are too many */
    bytes = malloc(most);
    if (!bytes) {
        status = error_no_memory(err, path, most);
        goto done;
    }
    TRY_GOTO(read_up_to(fd, path, bytes, most, &len, err), done);
    status = tree_parse_text(path, bytes, len, arena, root, err);
done:
    free(bytes);
    close(fd);
    return status;
}

/* ---- --set. ------------------------------------------------------------------------------------------------------ */

/* What to type instead of an assignment that enters a single value: `at`, under the remaining steps. */
static void advise_replacement(const struct value *at, char *const *steps, int n_steps, const char *text,
                               struct error *err)
{
    char path[256];
    struct text item = {0};
    if (strspn(at->text, "0123456789+-.") == strlen(at->text))
        return; /* a number is not the name of something with parameters */
    for (int i = 0; i < n_steps; ++i)
        text_printf(&item, "{%s: ", steps[i]);
    text_add(&item, text);
    for (int i = 0; i < n_steps; ++i)
        text_add(&item, "}");
    if (!item.failed)
        error_note(err, "to replace it, type --set '%s=%s'", value_path(at, path, sizeof path), item.data);
    text_release(&item);
}

/* The value that a step leads to; NULL if it must be created. An empty scalar ("train:") counts as missing. */
static enum dae_status take_step(const struct value *from, const char *step, struct mark mark, struct value **to,
                                 struct error *err)
{
    char path[256], excerpt[VALUE_EXCERPT_BYTES];
    value_excerpt(step, excerpt);
    value_path(from, path, sizeof path);
    *to = NULL;
    if (from->kind == VALUE_SCALAR)
        return error_at(err, DAE_CONFIG, mark, "%s is a single value, so there is no '%s' in it", path, excerpt);
    if (from->kind == VALUE_MAP) {
        *to = value_map_get(from, step);
        return DAE_OK;
    }
    size_t digits = strspn(step, "0123456789");
    long index = digits > 0 && !step[digits] ? strtol(step, NULL, 10) : -1; /* LONG_MAX when too long */
    if (index < 0 || index >= from->n)
        return error_at(err, DAE_CONFIG, mark, "%s is a list of %d, so there is no '%s' in it; the first item is 0",
                        path, from->n, excerpt);
    *to = from->items[index];
    return DAE_OK;
}

static bool is_nothing(const struct value *value)
{
    return !value || (value->kind == VALUE_SCALAR && !value->quoted && !value->text[0]);
}

static void replace_item(struct value *list, int index, struct value *value)
{
    value->parent = list;
    value->index = index;
    list->items[index] = value;
}

/* Splits "a.b.c" in place into steps[]; their number, or 0 when one is empty or there are more than TREE_MAX_DEPTH. */
static int split_path(char *path, char *steps[TREE_MAX_DEPTH])
{
    int n = 0;
    for (char *step = path, *dot; step; step = dot) {
        dot = strchr(step, '.');
        if (dot)
            *dot++ = '\0';
        if (!*step || n == TREE_MAX_DEPTH)
            return 0;
        steps[n++] = step;
    }
    return n;
}

/* The character before `end` closes what the first one opens. */
static bool is_enclosed(const char *text, const char *end)
{
    return end - text >= 2 && ((*text == '[' && end[-1] == ']') || (*text == '{' && end[-1] == '}'));
}

/* One text in single quotes, doubled inside, or in double quotes, escaped inside. */
static bool is_quoted(const char *text, const char *end)
{
    const char quote = *text;
    if (end - text < 2 || (quote != '\'' && quote != '"'))
        return false;
    const char *c = text + 1;
    for (; c < end - 1; ++c)
        if (*c == '\\' && quote == '"')
            ++c;
        else if (*c == quote && (quote == '"' || *++c != quote))
            return false;
    return c == end - 1 && *c == quote;
}

static enum dae_status read_assigned(struct reader *reader, struct value **value, struct error *err)
{
    const char *first = reader->text + strspn(reader->text, " \n"), *end = reader->text + reader->len;
    while (end > first && (end[-1] == ' ' || end[-1] == '\n'))
        --end;
    if (first == end || is_enclosed(first, end) || is_quoted(first, end))
        return parse(reader, value, err);
    *value = value_scalar_new(reader->arena, reader->text, false);
    if (!*value)
        return error_no_memory(err, "--set", reader->len);
    (*value)->mark.file = reader->file;
    return DAE_OK;
}

/* Puts the value under steps[0..n_steps) of the root. `text` is how it was typed, for advice; NULL: there is none. */
static enum dae_status put(struct value *root, char *const *steps, int n_steps, struct value *value, const char *text,
                           struct arena *arena, struct error *err)
{
    const struct mark mark = value->mark;
    /* Walk as far as there are values; `at` ends as the one that changes, under steps[i]. */
    struct value *at = root, *next = NULL;
    int i = 0;
    for (;; ++i, at = next) {
        const enum dae_status status = take_step(at, steps[i], mark, &next, err);
        if (status != DAE_OK && at->kind == VALUE_SCALAR && text)
            advise_replacement(at, steps + i, n_steps - i, text, err);
        TRY(status);
        if (i == n_steps - 1 || is_nothing(next))
            break;
    }
    /* Missing values are built from the far end, so that a failure does not change the tree. */
    for (int last = n_steps - 1; last > i; --last) {
        struct value *map = value_map_new(arena);
        if (!map || !value_map_put(arena, map, steps[last], value))
            return error_no_memory(err, "config", sizeof *map);
        map->mark = mark;
        value = map;
    }
    if (at->kind == VALUE_LIST)
        replace_item(at, next->index, value);
    else if (!value_map_put(arena, at, steps[i], value))
        return error_no_memory(err, "config", sizeof *value);
    return DAE_OK;
}

enum dae_status tree_set(struct value *root, const char *assignment, struct arena *arena, struct error *err)
{
    struct mark mark = {.file = arena_printf(arena, "--set %s", assignment)};
    const char *equals = strchr(assignment, '=');
    char *path = arena_text(arena, assignment, equals ? (size_t)(equals - assignment) : 0);
    if (!mark.file || !path)
        return error_no_memory(err, "--set", strlen(assignment));
    TRY(check_characters(mark, assignment, strlen(assignment), err));
    char *steps[TREE_MAX_DEPTH];
    int n_steps = split_path(path, steps);
    if (!equals || n_steps == 0)
        return error_at(err, DAE_CONFIG, mark, "expects KEY.PATH=VALUE, such as train.epochs=3");

    struct reader reader = {
        .file = mark.file,
        .text = equals + 1,
        .len = strlen(equals + 1),
        .arena = arena,
        .most_open = TREE_MAX_DEPTH - n_steps,
    };
    struct value *value;
    TRY(read_assigned(&reader, &value, err));
    return put(root, steps, n_steps, value, equals + 1, arena, err);
}

enum dae_status tree_put(struct value *root, const char *path, struct value *value, struct arena *arena,
                         struct error *err)
{
    char *steps[TREE_MAX_DEPTH], *copy = arena_text(arena, path, strlen(path));
    if (!copy)
        return error_no_memory(err, "config", strlen(path));
    const int n_steps = split_path(copy, steps);
    if (n_steps == 0)
        return error_at(err, DAE_CONFIG, value->mark, "'%s' is not the path of a key, such as train.epochs", path);
    return put(root, steps, n_steps, value, NULL, arena, err);
}
