/* One opened OpenCL device: context, in-order queue and buffers. All higher floors use this interface; no OpenCL type
 * leaves this floor. */
#ifndef DEVICE_DEVICE_H
#define DEVICE_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "device/platform.h"
#include "device/tuning.h"

struct device;
struct buffer;
struct device_event;

/* Opens a listed device, of which it keeps a copy; driver_open also chooses one. On success the caller owns *out:
 * device_close. DAE_OPENCL if the driver refuses a context or queue. */
MUST_USE enum dae_status device_open(const struct platform_device *listed, const struct tuning_request *tuning,
                                     struct device **out, struct error *err);
void device_close(struct device *device); /* NULL is fine */

const struct platform_device *device_facts(const struct device *device);
const struct tuning *device_tuning(const struct device *device);
/* For measurements: everything made on the device from now on uses another, sound tuning (tuning_is_sound). */
void device_set_tuning(struct device *device, const struct tuning *tuning);
/* "device: CPU '...', Portable Computing Language (no usable GPU, so the CPU)", the explanation of the device's choice;
 * "" before device_set_line, which truncates it to DEVICE_LINE bytes. */
enum { DEVICE_LINE = 768 };
const char *device_line(const struct device *device);
void device_set_line(struct device *device, const char *line);
/* Lines for the user about drivers, devices, tables and libraries that are not used, each with a newline; or "". The
 * second returns only those that it has not returned before. Both stay valid until the next notice. */
const char *device_notices(const struct device *device);
const char *device_new_notices(struct device *device);
/* Adds a line, given without its newline, unless it is already present. */
MUST_USE enum dae_status device_add_notice(struct device *device, const char *line, struct error *err);

/* Checks that another `bytes` fit into the device's memory before any of it is allocated: DAE_NO_MEMORY naming `what`
 * and `hint`. Some drivers accept more than they have and fail later without an error. */
MUST_USE enum dae_status device_check_memory(const struct device *device, uint64_t bytes, const char *what,
                                             const char *hint, struct error *err);

/* A zero-filled buffer. It is filled at once, so that a driver that allocates late runs out of memory now and not in
 * the middle of a run. `what` names it in errors. The caller owns it and frees it before device_close. */
MUST_USE enum dae_status buffer_new(struct device *device, uint64_t bytes, const char *what, struct buffer **out,
                                    struct error *err);
void buffer_free(struct buffer *buffer); /* NULL is fine */
CLEANUP_POINTER(buffer_free, struct buffer)
uint64_t buffer_bytes(const struct buffer *buffer);

/* Blocking copies; both wait for the work enqueued before them. */
MUST_USE enum dae_status buffer_write(struct buffer *buffer, uint64_t offset_bytes, const void *data, uint64_t bytes,
                                      struct error *err);
MUST_USE enum dae_status buffer_read(const struct buffer *buffer, uint64_t offset_bytes, void *data, uint64_t bytes,
                                     struct error *err);
/* Enqueues a copy of `bytes` from `data`, which must not change until the event has been waited for, to the buffer's
 * start. */
MUST_USE enum dae_status buffer_write_later(struct buffer *buffer, const void *data, uint64_t bytes,
                                            struct device_event **event, struct error *err);
/* Enqueues a read into `data`, which must live until the event has been waited for. The caller owns *event:
 * device_event_wait. */
MUST_USE enum dae_status buffer_read_later(const struct buffer *buffer, uint64_t offset_bytes, void *data,
                                           uint64_t bytes, struct device_event **event, struct error *err);
/* Enqueues a copy of one buffer's bytes to another's start. */
MUST_USE enum dae_status buffer_copy(const struct buffer *from, struct buffer *to, uint64_t bytes, struct error *err);

/* Waits until the event's command is done, and frees the event. */
MUST_USE enum dae_status device_event_wait(struct device *device, struct device_event *event, struct error *err);
/* Waits for everything enqueued. */
MUST_USE enum dae_status device_finish(struct device *device, struct error *err);

/* Counts since the device was opened: the launches and the waits of the host that a training step costs. */
struct device_counters {
    uint64_t launches, waits;
};
struct device_counters device_count(const struct device *device);

#endif
