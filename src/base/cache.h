/* Facts about this machine that are expensive to find out (what a driver answered, the result of a device's check, its
 * tuning), remembered between runs as small JSON files in the user's own folder: $DAE_CL_CACHE_DIR, else
 * $XDG_CACHE_HOME/dae-cl, else $HOME/.cache/dae-cl. A memo only saves time: without one the work is done again.
 *
 * Nothing that is read is trusted: the folder and the file must belong to this user and be writable by nobody else, the
 * file must contain the whole requested key, and a SHA-256 over key and value must match. */
#ifndef BASE_CACHE_H
#define BASE_CACHE_H

#include <stddef.h>

#include "base/error.h"
#include "base/json.h"

/* Writes the folder's path, and creates the folder (mode 0700) if it is missing. If there is no place for it, or if
 * others could write to it: DAE_IO with the reason. */
MUST_USE enum dae_status cache_folder(char *path, size_t path_len, struct error *err);

/* What was remembered as `kind` ("tuning") under `key`, a text with all that the value depends on; NULL if there is
 * nothing. The caller frees it with cJSON_Delete. A memo that is damaged or belongs to another user is ignored, and
 * `problem` (len bytes) then says so in one line; else it is "". */
cJSON *cache_read(const char *kind, const char *key, char *problem, size_t len);

/* Remembers `value`, of which it takes ownership, in place of the old value. A NULL value (how cJSON reports a lack of
 * memory) is DAE_NO_MEMORY; a folder that cannot be used or written, DAE_IO. */
MUST_USE enum dae_status cache_write(const char *kind, const char *key, cJSON *value, struct error *err);

/* Waits until no other process holds the lock of this memo, and takes it; a file system without locks keeps nobody
 * waiting. The lock is a descriptor: cache_unlock. DAE_IO if the folder cannot be used or written. */
MUST_USE enum dae_status cache_lock(const char *kind, const char *key, int *lock, struct error *err);
void cache_unlock(int lock);

/* As cache_read and cache_write, for bytes, such as a compiled program, of at most CACHE_MAX_BYTES. A damaged file is
 * ignored. The caller frees the bytes; NULL if there are none. */
enum { CACHE_MAX_BYTES = 64 << 20 };
void *cache_read_bytes(const char *kind, const char *key, size_t *len);
MUST_USE enum dae_status cache_write_bytes(const char *kind, const char *key, const void *bytes, size_t len,
                                           struct error *err);

/* Forgets the memos of a kind that were written longest ago, all but the newest `keep`. */
void cache_trim(const char *kind, int keep);

#endif
