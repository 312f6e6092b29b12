/* Loading plugins: whatever is wrong with a file or its place is refused, and refused before its code runs. Broken
 * plugins are compiled here, from a few lines each. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "graph/registry.h"

static char folder[512]; /* of this run; plugins lie in folder/plugins */

static void path_of(const char *name, char path[1024])
{
    snprintf(path, 1024, "%s/%s", folder, name);
}

static void write_file(const char *name, const void *bytes, size_t len)
{
    char path[1024];
    path_of(name, path);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0755), 0);
}

static void remove_plugin(void)
{
    char path[1024];
    path_of("plugins/x.so", path);
    chmod(path, 0755);
    unlink(path);
    path_of("plugins", path);
    chmod(path, 0755);
    path_of("ran", path);
    unlink(path);
}

/* Compiles a plugin to plugins/x.so. `table` is the body of its table. */
static void compile(const char *prologue, const char *table)
{
    char source[8192], command[4096], path[1024];
    snprintf(
        source, sizeof source,
        "#include \"dae/plugin.h\"\n"
        "static int x_plan(const void *s, struct dae_plan *p) { (void)s; p->output = p->input[0]; return 0; }\n"
        "static void x_reference(const void *s, const struct dae_plan *p, const struct dae_draw *d,\n"
        "    const double *const *x, const double *const *w, double *y) { (void)s,(void)d,(void)w; y[0] = x[0][0]; "
        "(void)p; }\n"
        "void x_affine(const void *s, const struct dae_plan *p, const float *const *w, double *f, double *o) {}\n"
        "#define GOOD .abi = DAE_ABI, .size = sizeof(struct dae_plugin), .kind = DAE_LAYER, .name = \"x\", .help = "
        "\"\", \\\n  .min_inputs = 1, .max_inputs = 1, .plan = x_plan, .reference = x_reference, \\\n"
        "  .pointwise_y = \"x\", .pointwise_dx = \"dy\"\n%s\n%s%s%s\n",
        prologue,
        table
            ? "DAE_PLUGIN_TABLE = {"
            : "int nothing(void) { return 0; } int use(void) { return x_plan(0,0)+(x_reference(0,0,0,0,0,0),0); } int",
        table ? table : " spare", table ? "};" : ";");
    write_file("x.c", source, strlen(source));
    path_of("", path);
    const char *cc = getenv("CC");
    snprintf(command, sizeof command, "%s -std=gnu11 -w -Isrc -fPIC -shared -o '%s/plugins/x.so' '%s/x.c'",
             cc ? cc : "cc", folder, folder);
    assert_int_equal(system(command), 0);
}

static enum dae_status open_folder(struct error *err)
{
    char path[1024];
    path_of("plugins", path);
    const char *const folders[] = {path};
    struct registry *registry;
    *err = (struct error){0};
    enum dae_status status = registry_open(folders, 1, &registry, err);
    registry_close(registry);
    return status;
}

static void refused(const char *why)
{
    struct error err;
    if (open_folder(&err) != DAE_PLUGIN || !strstr(err.text, "/plugins") || !strstr(err.text, why))
        fail_msg("wanted a refusal because '%s', got '%s'", why, err.text);
    remove_plugin();
}

/* The table of a good plugin loads: what the others are refused for is the one thing that they change. */
static void a_good_plugin_loads(void **state)
{
    (void)state;
    struct error err;
    compile("", "GOOD");
    if (open_folder(&err) != DAE_OK)
        fail_msg("%s", err.text);
    remove_plugin();
}

static void malformed_tables_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *table, *why;
    } broken[] = {
        {"GOOD, .abi = 1", "another ABI"},
        {"GOOD, .size = sizeof(struct dae_plugin) - 8", "another size"},
        {"GOOD, .name = 0", "no name"},
        {"GOOD, .name = \"../x\"", "a-z"},
        {"GOOD, .help = 0", "no line of help"},
        {"GOOD, .plan = 0", "plan and reference"},
        {"GOOD, .reference = 0", "plan and reference"},
        {"GOOD, .pointwise_dx = 0", "both expressions"},
        {"GOOD, .pointwise_y = 0, .pointwise_dx = 0", "no kernel"},
        {"GOOD, .flags = DAE_VIEW", "more than one"},
        {"GOOD, .flags = DAE_MASKS", "only a corruption can mask"},
        {"GOOD, .flags = DAE_READS_DATA", "read other samples"},
        {"GOOD, .params = (const struct dae_param[]){{.key = \"a\", .help = \"\", .type = DAE_LEVEL}, {0}}, "
         ".state_bytes = "
         "24",
         "only a corruption can have a level"},
        {"GOOD, .flags = DAE_COUPLES", "needs forward and reference_batch"},
        {"GOOD, .max_inputs = 2, .affine = x_affine", "one input can be affine"},
        {"GOOD, .max_inputs = 99", "number of inputs"},
        {"GOOD, .kind = (enum dae_kind)9", "kind is unknown"},
        {"GOOD, .kind = DAE_OPTIMIZER", "optimizer needs"},
        {"GOOD, .params = (const struct dae_param[]){{.key = \"a\", .help = \"\", .offset = 400}, {0}}, .state_bytes = "
         "8",
         "parameter row"},
        {"GOOD, .params = (const struct dae_param[]){{.key = \"a\", .help = \"\", .offset = 4}, {0}}, .state_bytes = 8",
         "parameter row"},
    };
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; ++i) {
        compile("", broken[i].table);
        refused(broken[i].why);
    }
}

static void files_that_are_no_plugins_are_refused(void **state)
{
    (void)state;
    char path[1024], *bytes;
    struct stat info;
    write_file("plugins/x.so", "not a library\n", 14);
    refused("x.so");
    write_file("plugins/x.so", "", 0);
    refused("x.so");
    compile("", NULL);
    refused("exports no " DAE_PLUGIN_SYMBOL_TEXT);
    /* Cut at many lengths. A loader that trusts the header dies of it: so in a child. */
    compile("", "GOOD");
    path_of("plugins/x.so", path);
    assert_int_equal(stat(path, &info), 0);
    FILE *file = fopen(path, "rb");
    assert_non_null(bytes = malloc((size_t)info.st_size));
    assert_int_equal(fread(bytes, 1, (size_t)info.st_size, file), info.st_size);
    fclose(file);
    for (long percent = 1; percent < 100; percent += 7) {
        write_file("plugins/x.so", bytes, (size_t)(info.st_size * percent / 100));
        pid_t child = fork();
        if (child == 0) {
            struct error err;
            signal(SIGBUS, SIG_DFL);
            signal(SIGSEGV, SIG_DFL);
            _exit(open_folder(&err) == DAE_PLUGIN ? 10 : 0);
        }
        int how;
        assert_int_equal(waitpid(child, &how, 0), child);
        if (!WIFEXITED(how))
            fail_msg("a plugin cut to %ld %% of its length killed the program (signal %d)", percent, WTERMSIG(how));
        assert_int_equal(WEXITSTATUS(how), 10);
    }
    free(bytes);
    remove_plugin();
    path_of("plugins/x.so", path);
    assert_int_equal(mkdir(path, 0755), 0);
    struct error err;
    assert_int_equal(open_folder(&err), DAE_PLUGIN);
    rmdir(path);
    assert_int_equal(mkfifo(path, 0644), 0);
    assert_int_equal(open_folder(&err), DAE_PLUGIN);
    unlink(path);
    assert_int_equal(symlink("/etc/hostname", path), 0);
    assert_int_equal(open_folder(&err), DAE_PLUGIN);
    unlink(path);
}

static void hostile(void)
{
    char constructor[2048], mark[1024];
    path_of("ran", mark);
    snprintf(
        constructor, sizeof constructor,
        "#include <stdio.h>\n__attribute__((constructor)) static void run(void) { fclose(fopen(\"%s\", \"w\")); }\n",
        mark);
    compile(constructor, "GOOD");
}

static bool ran(void)
{
    char mark[1024];
    path_of("ran", mark);
    return access(mark, F_OK) == 0;
}

static void hostile_code_does_not_run(void **state)
{
    (void)state;
    char path[1024];
    struct error err;
    /* The trap works: where all is well the constructor runs. */
    hostile();
    assert_int_equal(open_folder(&err), DAE_OK);
    assert_true(ran());
    remove_plugin();
    hostile();
    path_of("plugins", path);
    assert_int_equal(chmod(path, 0777), 0);
    assert_int_equal(open_folder(&err), DAE_PLUGIN);
    assert_non_null(strstr(err.text, "others may write it"));
    assert_false(ran());
    assert_int_equal(chmod(path, 0755), 0);
    path_of("plugins/x.so", path);
    assert_int_equal(chmod(path, 0757), 0);
    assert_int_equal(open_folder(&err), DAE_PLUGIN);
    assert_non_null(strstr(err.text, "others may write it"));
    assert_false(ran());
    assert_int_equal(chmod(path, 0755), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(path, 65534, 65534), 0);
        assert_int_equal(open_folder(&err), DAE_PLUGIN);
        assert_non_null(strstr(err.text, "belongs to user 65534"));
        assert_false(ran());
    }
    remove_plugin();
}

static void names_and_folders(void **state)
{
    (void)state;
    struct error err = {0};
    struct registry *registry;
    char path[1024];
    path_of("plugins", path);
    const char *const twice[] = {path, path}, *const missing[] = {"/nonexistent/plugins"};
    compile("", "GOOD");
    assert_int_equal(registry_open(twice, 2, &registry, &err), DAE_PLUGIN);
    assert_non_null(strstr(err.text, "again"));
    remove_plugin();
    err = (struct error){0};
    assert_int_equal(registry_open(missing, 1, &registry, &err), DAE_PLUGIN);
    assert_non_null(strstr(err.text, "/nonexistent/plugins"));
    /* Without a folder there is nothing, and nothing is found. */
    err = (struct error){0};
    assert_int_equal(registry_open(NULL, 0, &registry, &err), DAE_OK);
    assert_int_equal(registry_count(registry), 0);
    assert_null(registry_find(registry, DAE_LAYER, "x"));
    registry_close(registry);
}

static int make_folder(void **state)
{
    (void)state;
    char path[1024];
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/dae-registry-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(folder))
        return 1;
    path_of("plugins", path);
    return mkdir(path, 0755);
}

static int remove_folder(void **state)
{
    (void)state;
    char path[1024];
    path_of("plugins", path);
    remove_plugin();
    rmdir(path);
    path_of("x.c", path);
    unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_plugin_loads),
        cmocka_unit_test(malformed_tables_are_refused),
        cmocka_unit_test(files_that_are_no_plugins_are_refused),
        cmocka_unit_test(hostile_code_does_not_run),
        cmocka_unit_test(names_and_folders),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
