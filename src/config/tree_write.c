/* A tree as YAML. */
#include <string.h>
#include <yaml.h>

#include "config/tree.h"

struct writer {
    yaml_emitter_t emitter;
    struct text *out;
    size_t start; /* length of `out` before */
    bool one_line;
    int n_events;
};

static int append(void *context, unsigned char *bytes, size_t len)
{
    struct writer *writer = context;
    text_add_bytes(writer->out, bytes, len);
    return !writer->out->failed && writer->out->len - writer->start <= TREE_MAX_BYTES;
}

/* Passes an event (made: whether its initialiser succeeded) to the emitter, which deletes it. */
static enum dae_status emit(struct writer *writer, yaml_event_t *event, int made, struct error *err)
{
    if (made && ++writer->n_events > TREE_MAX_EVENTS) {
        yaml_event_delete(event);
        return error_set(err, DAE_CONFIG, "the config is too large: more than %d keys, values and brackets",
                         TREE_MAX_EVENTS);
    }
    if (made && yaml_emitter_emit(&writer->emitter, event))
        return DAE_OK;
    if (made && writer->emitter.error == YAML_WRITER_ERROR && !writer->out->failed)
        return error_set(err, DAE_CONFIG, "the config is too large: more than %d bytes", TREE_MAX_BYTES);
    return error_no_memory(err, "config as text", writer->out->len);
}

static enum dae_status emit_scalar(struct writer *writer, const char *text, bool quoted, struct error *err)
{
    /* Single quotes only for printable ASCII: double quotes escape what line folding could change. */
    bool ascii = true;
    for (const char *c = text; *c; ++c)
        ascii = ascii && *c >= 0x20 && *c <= 0x7e;
    yaml_scalar_style_t style = !quoted ? YAML_PLAIN_SCALAR_STYLE
                                : ascii ? YAML_SINGLE_QUOTED_SCALAR_STYLE
                                        : YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    yaml_event_t event;
    return emit(
        writer, &event,
        yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text, (int)strlen(text), 1, 1, style),
        err);
}

/* On one line: a list of scalars only. An empty plain scalar is not allowed there. */
static bool fits_line(const struct value *list)
{
    for (int i = 0; i < list->n; ++i)
        if (list->items[i]->kind != VALUE_SCALAR || value_is_nothing(list->items[i]))
            return false;
    return true;
}

static enum dae_status emit_value(struct writer *writer, const struct value *value, int depth, struct error *err)
{
    if (value->kind == VALUE_SCALAR)
        return emit_scalar(writer, value->text, value->quoted, err);
    if (depth == TREE_MAX_DEPTH)
        return error_set(err, DAE_CONFIG, "the config is nested deeper than %d levels", TREE_MAX_DEPTH);
    yaml_event_t event;
    if (value->kind == VALUE_LIST) {
        TRY(emit(writer, &event,
                 yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
                                                      writer->one_line || fits_line(value) ? YAML_FLOW_SEQUENCE_STYLE
                                                                                           : YAML_BLOCK_SEQUENCE_STYLE),
                 err));
        for (int i = 0; i < value->n; ++i)
            TRY(emit_value(writer, value->items[i], depth + 1, err));
        return emit(writer, &event, yaml_sequence_end_event_initialize(&event), err);
    }
    TRY(emit(writer, &event,
             yaml_mapping_start_event_initialize(&event, NULL, NULL, 1,
                                                 writer->one_line ? YAML_FLOW_MAPPING_STYLE : YAML_BLOCK_MAPPING_STYLE),
             err));
    for (int i = 0; i < value->n; ++i) {
        const struct entry *entry = &value->entries[i];
        TRY(emit_scalar(writer, entry->key, !value_text_is_plain(entry->key), err));
        TRY(emit_value(writer, entry->value, depth + 1, err));
    }
    return emit(writer, &event, yaml_mapping_end_event_initialize(&event), err);
}

static enum dae_status emit_document(struct writer *writer, const struct value *root, struct error *err)
{
    yaml_event_t event;
    TRY(emit(writer, &event, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING), err));
    TRY(emit(writer, &event, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1), err));
    TRY(emit_value(writer, root, 0, err));
    TRY(emit(writer, &event, yaml_document_end_event_initialize(&event, 1), err));
    return emit(writer, &event, yaml_stream_end_event_initialize(&event), err);
}

static enum dae_status write_tree(const struct value *root, bool one_line, struct text *out, struct error *err)
{
    struct writer writer = {.out = out, .start = out->len, .one_line = one_line};
    if (!yaml_emitter_initialize(&writer.emitter))
        return error_no_memory(err, "config as text", sizeof writer);
    yaml_emitter_set_output(&writer.emitter, append, &writer);
    yaml_emitter_set_unicode(&writer.emitter, 1);
    yaml_emitter_set_width(&writer.emitter, -1); /* no folding of long lines */
    enum dae_status status = emit_document(&writer, root, err);
    yaml_emitter_delete(&writer.emitter);
    return status;
}

enum dae_status tree_write(const struct value *root, struct text *out, struct error *err)
{
    return write_tree(root, false, out, err);
}

enum dae_status tree_write_line(const struct value *root, struct text *out, struct error *err)
{
    TRY(write_tree(root, true, out, err));
    while (out->len > 0 && out->data[out->len - 1] == '\n')
        out->data[--out->len] = '\0';
    return DAE_OK;
}
