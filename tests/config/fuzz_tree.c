/* libFuzzer harness of the config parser: any bytes give a tree or an error, and a tree is written and read back
 * unchanged. Build with clang -fsanitize=fuzzer,address,undefined. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct error err = {0};
    struct value *root, *again;
    struct text text = {0}, twice = {0};
    if (tree_parse_text("fuzz", (const char *)data, size, &arena, &root, &err) != DAE_OK)
        goto done;
    if (tree_write(root, &text, &err) != DAE_OK)
        goto done; /* outgrown: escapes may make it larger than the budget */
    if (tree_parse_text("again", text.data, text.len, &arena, &again, &err) != DAE_OK ||
        tree_write(again, &twice, &err) != DAE_OK)
        abort();
    if (text.len != twice.len || memcmp(text.data, twice.data, text.len) != 0)
        abort();
done:
    text_release(&text);
    text_release(&twice);
    arena_release(&arena);
    return 0;
}
