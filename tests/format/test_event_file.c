/* Event files: checksums of known bytes, and records to the byte. tests/cli/watch.sh reads whole files. */
#include "format/event_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* RFC 3720, appendix B.4, and the check value of the catalogue of CRCs. */
static void checksums_of_known_bytes(void **state)
{
    (void)state;
    unsigned char bytes[32] = {0};
    assert_int_equal(event_file_crc(bytes, 32), 0x8A9136AAu);
    memset(bytes, 255, sizeof bytes);
    assert_int_equal(event_file_crc(bytes, 32), 0x62A8AB43u);
    for (unsigned char i = 0; i < 32; ++i)
        bytes[i] = i;
    assert_int_equal(event_file_crc(bytes, 32), 0x46DD794Eu);
    assert_int_equal(event_file_crc("123456789", 9), 0xE3069283u);
    assert_int_equal(event_file_crc("", 0), 0);
}

/* As tensorboard 2.21 writes Event(wall_time=1.5, step=300, summary=[Summary.Value(tag="a", simple_value=2.5)]). */
static void a_record_to_the_byte(void **state)
{
    (void)state;
    static const unsigned char event[] = {0x09, 0,    0,    0, 0,    0, 0,   0xF8, 0x3F, 0x10, 0xAC, 0x02,
                                          0x2A, 0x0A, 0x0A, 8, 0x0A, 1, 'a', 0x15, 0,    0,    0x20, 0x40};
    struct text out = {0};
    event_file_add(&out, 1.5, 300, &(struct event_value){"a", 2.5}, 1);
    assert_false(out.failed);
    assert_int_equal(out.len, 8 + 4 + sizeof event + 4);
    assert_int_equal((unsigned char)out.data[0], sizeof event);
    assert_memory_equal(out.data + 12, event, sizeof event);
    text_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checksums_of_known_bytes),
        cmocka_unit_test(a_record_to_the_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
