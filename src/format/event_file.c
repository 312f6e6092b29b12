#include "format/event_file.h"

#include <string.h>

/* Types of protocol buffers' fields. */
enum { VARINT = 0, EIGHT_BYTES = 1, LENGTH = 2, FOUR_BYTES = 5 };

/* Fields of tensorflow.Event, Summary and Summary.Value (tensorflow/core/util/event.proto, framework/summary.proto). */
enum { EVENT_TIME = 1, EVENT_STEP = 2, EVENT_VERSION = 3, EVENT_SUMMARY = 5 };
enum { SUMMARY_VALUE = 1, VALUE_TAG = 1, VALUE_NUMBER = 2 };

uint32_t event_file_crc(const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < len; ++i) {
        crc ^= at[i];
        for (int bit = 0; bit < 8; ++bit)
            crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0);
    }
    return ~crc;
}

static void add_little_endian(struct text *out, uint64_t number, int bytes)
{
    for (int i = 0; i < bytes; ++i)
        text_add_bytes(out, &(unsigned char){(unsigned char)(number >> 8 * i)}, 1);
}

static void add_varint(struct text *out, uint64_t number)
{
    for (; number > 127; number >>= 7)
        text_add_bytes(out, &(unsigned char){(unsigned char)(128 | (number & 127))}, 1);
    text_add_bytes(out, &(unsigned char){(unsigned char)number}, 1);
}

static void add_key(struct text *out, int field, int type)
{
    add_varint(out, (uint64_t)(field << 3 | type));
}

static void add_double(struct text *out, int field, double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    add_key(out, field, EIGHT_BYTES);
    add_little_endian(out, bits, 8);
}

static void add_float(struct text *out, int field, double number)
{
    const float value = (float)number;
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    add_key(out, field, FOUR_BYTES);
    add_little_endian(out, bits, 4);
}

static void add_bytes(struct text *out, int field, const char *bytes, size_t len)
{
    add_key(out, field, LENGTH);
    add_varint(out, len);
    text_add_bytes(out, bytes, len);
}

static void add_message(struct text *out, int field, const struct text *message)
{
    add_bytes(out, field, message->data ? message->data : "", message->len);
    out->failed = out->failed || message->failed;
}

/* The checksum that TFRecord stores, so that checksums of data with checksums in them stay good. */
static uint32_t masked_crc(const void *bytes, size_t len)
{
    const uint32_t crc = event_file_crc(bytes, len);
    return (crc >> 15 | crc << 17) + 0xA282EAD8u;
}

/* The length and its checksum, then the event and its checksum. */
static void add_record(struct text *out, const struct text *event)
{
    struct text length = {0};
    add_little_endian(&length, event->len, 8);
    if (length.failed || event->failed) {
        out->failed = true;
    } else {
        text_add_bytes(out, length.data, length.len);
        add_little_endian(out, masked_crc(length.data, length.len), 4);
        text_add_bytes(out, event->data, event->len);
        add_little_endian(out, masked_crc(event->data, event->len), 4);
    }
    text_release(&length);
}

void event_file_begin(struct text *out, double time)
{
    static const char version[] = "brain.Event:2";
    struct text event = {0};
    add_double(&event, EVENT_TIME, time);
    add_bytes(&event, EVENT_VERSION, version, sizeof version - 1);
    add_record(out, &event);
    text_release(&event);
}

void event_file_add(struct text *out, double time, int64_t step, const struct event_value *value, int n)
{
    struct text event = {0}, summary = {0};
    for (int i = 0; i < n; ++i) {
        struct text one = {0};
        add_bytes(&one, VALUE_TAG, value[i].tag, strlen(value[i].tag));
        add_float(&one, VALUE_NUMBER, value[i].value);
        add_message(&summary, SUMMARY_VALUE, &one);
        text_release(&one);
    }
    add_double(&event, EVENT_TIME, time);
    add_key(&event, EVENT_STEP, VARINT);
    add_varint(&event, (uint64_t)step);
    add_message(&event, EVENT_SUMMARY, &summary);
    add_record(out, &event);
    text_release(&summary);
    text_release(&event);
}
