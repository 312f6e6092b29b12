/* Facts about this machine that are dear to find out twice (what a driver answered, how a device did in its check, its
 * tuning), remembered between runs as small JSON files in the user's own folder: $DAE_CL_CACHE_DIR, else
 * $XDG_CACHE_HOME/dae-cl, else $HOME/.cache/dae-cl. A memo is a convenience: without one the work is done again.
 *
 * Nothing that is read is trusted: the folder and the file must belong to this user and be writable by nobody else, the
 * file must hold the whole key that is asked for, and a SHA-256 over key and value seals it. */
#ifndef BASE_CACHE_H
#define BASE_CACHE_H

#include <stddef.h>

#include "base/error.h"
#include "base/json.h"

/* Writes the folder's path, and makes the folder (mode 0700) when it is missing. No place for one, or one that others
 * could write into: DAE_IO with the reason. */
MUST_USE enum dae_status cache_folder(char *path, size_t path_len, struct error *err);

/* What was remembered as `kind` ("tuning") under `key`, a text with all that the value depends on; NULL when there is
 * nothing. The caller frees it: cJSON_Delete. A memo that is damaged or not ours counts as nothing, and `problem` (len
 * bytes) then says so in one line; else it is "". */
cJSON *cache_read(const char *kind, const char *key, char *problem, size_t len);

/* Remembers `value`, of which it takes ownership, in the place of what was there. A NULL value (cJSON's sign of lack of
 * memory) is DAE_NO_MEMORY; a folder that cannot be used or written, DAE_IO. */
MUST_USE enum dae_status cache_write(const char *kind, const char *key, cJSON *value, struct error *err);

/* The same for bytes, such as a compiled program, of at most CACHE_MAX_BYTES. What is damaged counts as nothing: it is
 * made again. The caller frees what is read; NULL when there is nothing. */
enum { CACHE_MAX_BYTES = 64 << 20 };
void *cache_read_bytes(const char *kind, const char *key, size_t *len);
MUST_USE enum dae_status cache_write_bytes(const char *kind, const char *key, const void *bytes, size_t len,
                                           struct error *err);

/* Forgets the memos of a kind that were written longest ago, all but the newest `keep`. */
void cache_trim(const char *kind, int keep);

#endif
