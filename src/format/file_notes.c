#include "format/file_notes.h"

#include <stdlib.h>
#include <string.h>

bool file_notes_add(struct file_notes *notes, const char *path, const char *sentence)
{
    if (!sentence || !*sentence)
        return false;
    for (int i = 0; i < notes->n; ++i)
        if (strcmp(notes->note[i].sentence, sentence) == 0) {
            ++notes->note[i].n;
            return false;
        }
    struct file_note note = {notes->n < FILE_NOTES_MAX ? strdup(path) : NULL,
                             notes->n < FILE_NOTES_MAX ? strdup(sentence) : NULL, 1};
    if (!note.path || !note.sentence) { /* no room for another sentence: its file is counted */
        free(note.path);
        free(note.sentence);
        ++notes->n_more;
        return false;
    }
    notes->note[notes->n++] = note;
    return true;
}

void file_notes_leave_out(struct file_notes *notes, const struct samples_form *form)
{
    for (int i = 0; form->image && i < FILE_NOTES_KINDS_MAX && image_kind_at(i); ++i)
        if (image_kind_at(i) == form->image) {
            ++notes->n_refused[i];
            return;
        }
    ++notes->n_other;
}

static const char *separator(const struct text *text)
{
    return text->len > 0 ? "; " : "";
}

void file_notes_left_out(const struct file_notes *notes, const char *folder, const char *what, struct text *text)
{
    if (notes->n_other > 0)
        text_printf(text, "%s%s: %lld item%s left out: not %s", separator(text), folder, (long long)notes->n_other,
                    notes->n_other == 1 ? "" : "s", what);
    for (int i = 0; i < FILE_NOTES_KINDS_MAX && image_kind_at(i); ++i)
        if (notes->n_refused[i] > 0)
            text_printf(text, "%s%s: %lld file%s left out: %s is not read: %s", separator(text), folder,
                        (long long)notes->n_refused[i], notes->n_refused[i] == 1 ? "" : "s", image_kind_at(i)->name,
                        image_kind_at(i)->instead);
}

static void describe_more(const struct file_notes *notes, struct text *text)
{
    if (notes->n_more > 0)
        text_printf(text, "%s%lld more file%s with other remarks", separator(text), (long long)notes->n_more,
                    notes->n_more == 1 ? "" : "s");
}

void file_notes_describe(const struct file_notes *notes, struct text *text)
{
    for (int i = 0; i < notes->n; ++i) {
        const struct file_note *note = &notes->note[i];
        text_printf(text, "%s%s: %s", separator(text), note->path, note->sentence);
        if (note->n > 1)
            text_printf(text, " (also %lld more file%s)", (long long)note->n - 1, note->n == 2 ? "" : "s");
    }
    describe_more(notes, text);
}

void file_notes_repeated(const struct file_notes *notes, struct text *text)
{
    for (int i = 0; i < notes->n; ++i)
        if (notes->note[i].n > 1)
            text_printf(text, "%s%lld more file%s: %s", separator(text), (long long)notes->note[i].n - 1,
                        notes->note[i].n == 2 ? "" : "s", notes->note[i].sentence);
    describe_more(notes, text);
}

void file_notes_release(struct file_notes *notes)
{
    for (int i = 0; i < notes->n; ++i) {
        free(notes->note[i].path);
        free(notes->note[i].sentence);
    }
    *notes = (struct file_notes){0};
}
