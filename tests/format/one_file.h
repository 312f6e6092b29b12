/* For the tests of a reader: one file in a temporary folder, for each test anew. */
#ifndef TESTS_FORMAT_ONE_FILE_H
#define TESTS_FORMAT_ONE_FILE_H

#include "files.h"

static char folder[PATH_BYTES], path[PATH_BYTES + 16];

static int set_up(void **state)
{
    (void)state;
    open_folder(folder);
    snprintf(path, sizeof path, "%s/file", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    close_folder(folder);
    return 0;
}

#endif
