#include "cli/tensorboard.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/folder.h"
#include "format/event_file.h"

enum { PATH_LEN = 1200, NAME_LEN = 64 };

/* TensorBoard takes every file with "tfevents" in its name; one folder is one curve. */
static const char file_name[] = "events.out.tfevents.dae-cl";

struct kept {
    char network[NAME_LEN];
    struct tensorboard_epoch epoch; /* its network is unused */
};

struct tensorboard {
    char folder[PATH_LEN];
    char (*network)[NAME_LEN]; /* (n_networks) those that have a file */
    struct kept *kept;         /* (n_kept) */
    size_t n_networks, n_kept, capacity;
};

enum dae_status tensorboard_open(const char *folder, struct tensorboard **out, struct error *err)
{
    *out = calloc(1, sizeof **out);
    if (!*out)
        return error_no_memory(err, "export", sizeof **out);
    if ((size_t)snprintf((*out)->folder, PATH_LEN, "%s", folder) < PATH_LEN)
        return DAE_OK;
    return error_set(err, DAE_IO, "the path %s is too long", folder);
}

/* The name of a folder: the log may have been written by anybody. */
static void name_folder(const char *network, char name[NAME_LEN])
{
    snprintf(name, NAME_LEN, "%s", *network ? network : "model");
    for (char *at = name; *at; ++at)
        if ((*at < 'a' || *at > 'z') && (*at < 'A' || *at > 'Z') && (*at < '0' || *at > '9') && *at != '-' &&
            *at != '_' && (*at != '.' || at == name))
            *at = '_';
}

enum dae_status tensorboard_add(struct tensorboard *t, const struct tensorboard_epoch *epoch, struct error *err)
{
    if (t->n_kept == t->capacity) {
        const size_t capacity = t->capacity ? 2 * t->capacity : 64;
        struct kept *kept = realloc(t->kept, capacity * sizeof *kept);
        if (!kept)
            return error_no_memory(err, "epochs", capacity * sizeof *kept);
        t->kept = kept;
        t->capacity = capacity;
    }
    struct kept *to = &t->kept[t->n_kept++];
    to->epoch = *epoch;
    name_folder(epoch->network, to->network);
    return DAE_OK;
}

static enum dae_status append(const char *path, int flags, const struct text *bytes, struct error *err)
{
    const int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | flags, 0666);
    if (fd < 0 && errno == EEXIST)
        return error_set(err, DAE_IO, "%s exists already, and nothing is added to it; name another folder", path);
    if (fd < 0)
        return error_io(err, "open", path);
    size_t done = 0;
    ssize_t n = 0;
    while (done < bytes->len && ((n = write(fd, bytes->data + done, bytes->len - done)) >= 0 || errno == EINTR))
        done += n > 0 ? (size_t)n : 0;
    enum dae_status status = done == bytes->len ? DAE_OK : error_io(err, "write", path);
    if (close(fd) != 0 && status == DAE_OK)
        status = error_io(err, "write", path);
    return status;
}

static bool is_known(const struct tensorboard *t, const char *network)
{
    for (size_t i = 0; i < t->n_networks; ++i)
        if (strcmp(t->network[i], network) == 0)
            return true;
    return false;
}

static enum dae_status remember(struct tensorboard *t, const char *network, struct error *err)
{
    char(*grown)[NAME_LEN] = realloc(t->network, (t->n_networks + 1) * sizeof *grown);
    if (!grown)
        return error_no_memory(err, "names of networks", (t->n_networks + 1) * sizeof *grown);
    t->network = grown;
    snprintf(t->network[t->n_networks++], NAME_LEN, "%s", network);
    return DAE_OK;
}

static void add_epoch(struct text *events, double time, const struct tensorboard_epoch *epoch)
{
    const struct event_value all[] = {{"loss/training", epoch->train_loss},
                                      {"loss/validation", epoch->validation_loss},
                                      {"samples_per_second", epoch->samples_per_second}};
    struct event_value value[3];
    int n = 0;
    for (int i = 0; i < 3; ++i)
        if (!isnan(all[i].value))
            value[n++] = all[i];
    event_file_add(events, time, epoch->epoch, value, n);
}

/* The kept epochs of one network, in a file that is new or the one begun before. */
static enum dae_status write_network(struct tensorboard *t, const char *network, const double *time /* (n_kept) */,
                                     struct error *err)
{
    struct text events CLEANUP(text_release) = {0};
    char path[PATH_LEN + NAME_LEN + sizeof file_name + 2];
    const bool known = is_known(t, network);
    snprintf(path, sizeof path, "%s/%s", t->folder, network);
    if (!known) {
        TRY(folder_make(path, err));
        event_file_begin(&events, time[0]);
    }
    for (size_t i = 0; i < t->n_kept; ++i)
        if (strcmp(t->kept[i].network, network) == 0)
            add_epoch(&events, time[i], &t->kept[i].epoch);
    if (events.failed)
        return error_no_memory(err, "events", events.len);
    snprintf(path, sizeof path, "%s/%s/%s", t->folder, network, file_name);
    TRY(append(path, known ? 0 : O_CREAT | O_EXCL, &events, err));
    return known ? DAE_OK : remember(t, network, err);
}

enum dae_status tensorboard_flush(struct tensorboard *t, double time, struct error *err)
{
    double *ends CLEANUP(cleanup_free) = calloc(t->n_kept + 1, sizeof *ends);
    if (!ends)
        return error_no_memory(err, "times", (t->n_kept + 1) * sizeof *ends);
    for (size_t i = t->n_kept; i-- > 0;) {
        ends[i] = time;
        time -= t->kept[i].epoch.seconds > 0 ? t->kept[i].epoch.seconds : 0;
    }
    for (size_t i = 0; i < t->n_kept; ++i) {
        bool is_written = false;
        for (size_t k = 0; k < i && !is_written; ++k)
            is_written = strcmp(t->kept[k].network, t->kept[i].network) == 0;
        if (!is_written)
            TRY(write_network(t, t->kept[i].network, ends, err));
    }
    t->n_kept = 0;
    return DAE_OK;
}

void tensorboard_close(struct tensorboard *t)
{
    if (t) {
        free(t->network);
        free(t->kept);
    }
    free(t);
}
