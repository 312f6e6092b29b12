/* For tests: a temporary folder under $TMPDIR, and its content. */
#ifndef TESTS_REPORT_FOLDER_H
#define TESTS_REPORT_FOLDER_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[400];

static const char *folder_path(const char *name)
{
    static char paths[4][700];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

/* The number of entries in the folder. */
static int folder_count(void)
{
    int n = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        n += entry->d_name[0] != '.';
    if (dir)
        closedir(dir);
    return n;
}

static void folder_empty(void)
{
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        if (entry->d_name[0] != '.')
            remove(folder_path(entry->d_name));
    if (dir)
        closedir(dir);
}

static int folder_setup(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/report-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    return mkdtemp(folder) ? 0 : -1;
}

static int folder_teardown(void **state)
{
    (void)state;
    folder_empty();
    return rmdir(folder);
}

static void folder_write(const char *name, const char *bytes, size_t len, unsigned mode)
{
    FILE *file = fopen(folder_path(name), "wb");
    if (file) {
        fwrite(bytes, 1, len, file);
        fchmod(fileno(file), mode);
        fclose(file);
    }
}

#endif
