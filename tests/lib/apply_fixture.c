/* apply_fixture.c - see apply_fixture.h. */
#include "tests/lib/apply_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

int64_t apply_now_us, apply_step_us;

static int64_t fake_mono_us(void) { return apply_now_us; }
static int64_t fake_wall_ms(void) { return 1700000000000 + apply_now_us / 1000; }
static void fake_pause_us(int64_t us) { apply_now_us += us; }

static void on_progress(void *self)
{
    ++*(unsigned *)self;
    apply_now_us += apply_step_us;
}

int fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct err e;
    char *specs[] = {(char[]){"things:id"}, (char[]){"pairs:a:S,b:N"}};
    assert_non_null(f);
    apply_now_us = 1000000;
    apply_step_us = 0;
    assert_int_equal(faulty_init(&f->store), 0);
    f->tables = tables_create(&f->store.kv);
    assert_non_null(f->tables);
    assert_int_equal(tables_load(f->tables), KV_OK);
    assert_int_equal(tables_ensure(f->tables, specs, 2, fake_wall_ms(), &e), 0);
    struct apply_config config = {&f->store.kv,  f->tables,   fake_mono_us, fake_wall_ms,
                                  fake_pause_us, on_progress, &f->progress};
    f->apply = apply_create(&config);
    assert_non_null(f->apply);
    f->store.plan.tries = 0;
    *state = f;
    return 0;
}

int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    apply_destroy(&f->apply);
    assert_null(f->apply);
    apply_destroy(&f->apply);
    tables_destroy(&f->tables);
    faulty_finish(&f->store);
    for (size_t i = 0; i < FIXTURE_JOBS; i++)
        buf_finish(&f->bodies[i]);
    free(f);
    return 0;
}

struct id id_of(unsigned n)
{
    struct id id = {{0}};
    for (int i = 0; i < 4; i++)
        id.bytes[i] = (unsigned char)(n >> (24 - 8 * i));
    id.bytes[ID_BYTES - 1] = (unsigned char)(n * 37);
    return id;
}

struct buf *new_job(struct fixture *f, unsigned n)
{
    assert_true(f->count < FIXTURE_JOBS);
    struct apply_job *job = &f->jobs[f->count];
    *job = (struct apply_job){.id = id_of(n), .has_id = true, .seq = n};
    f->refs[f->count] = job;
    struct buf *b = &f->bodies[f->count++];
    buf_reset(b);
    return b;
}

void close_job(struct fixture *f) { f->jobs[f->count - 1].body = buf_slice(&f->bodies[f->count - 1]); }

void put_op(struct buf *b, enum op_code code, const char *table, const struct buf *payload)
{
    struct op op = {.code = code, .table = slice_text(table), .payload = {.type = VALUE_NONE}};
    if (payload)
        op.payload = value_of(buf_slice(payload));
    op_encode(b, &op);
    assert_false(buf_failed(b));
}

static void key_of(struct buf *b, const char *key)
{
    mp_put_map(b, 1);
    mp_put_text(b, "id");
    mp_put_text(b, key);
}

void add_create(struct fixture *f, unsigned n, const char *key)
{
    struct buf payload = {0};
    mp_put_map(&payload, 1);
    mp_put_text(&payload, "Item");
    key_of(&payload, key);
    put_op(new_job(f, n), OP_CREATE, "things", &payload);
    close_job(f);
    buf_finish(&payload);
}

void add_increment(struct fixture *f, unsigned n, const char *key)
{
    struct buf payload = {0};
    mp_put_map(&payload, 3);
    mp_put_text(&payload, "Key");
    key_of(&payload, key);
    mp_put_text(&payload, "UpdateExpression");
    mp_put_text(&payload, "ADD n :one");
    mp_put_text(&payload, "ExpressionAttributeValues");
    mp_put_map(&payload, 1);
    mp_put_text(&payload, ":one");
    value_put_int(&payload, 1);
    put_op(new_job(f, n), OP_UPDATE, "things", &payload);
    close_job(f);
    buf_finish(&payload);
}

void add_plain(struct fixture *f, unsigned n, enum op_code code, const char *table)
{
    struct buf payload = {0};
    mp_put_map(&payload, 0);
    put_op(new_job(f, n), code, table, &payload);
    close_job(f);
    buf_finish(&payload);
}

void fixture_run(struct fixture *f)
{
    f->changed = false;
    assert_int_equal(apply_run(f->apply, f->refs, f->count, &f->changed), KV_OK);
}

size_t count_ends(const struct fixture *f, enum apply_end end)
{
    size_t count = 0;
    for (size_t i = 0; i < f->count; i++)
        count += f->jobs[i].end == end;
    return count;
}

struct outcome outcome_of(const struct fixture *f, size_t i)
{
    struct outcome o;
    assert_int_equal(f->jobs[i].end, APPLY_DONE);
    assert_int_equal(outcome_decode(f->jobs[i].outcome, &o), 0);
    return o;
}

void expect_failed(const struct fixture *f, size_t i, enum err_code code)
{
    struct outcome o = outcome_of(f, i);
    assert_int_equal(o.state, OUTCOME_FAILED);
    assert_true(slice_equal(o.code, slice_text(err_name(code))));
}

void expect_succeeded(const struct fixture *f, size_t i) { assert_int_equal(outcome_of(f, i).state, OUTCOME_SUCCEEDED); }

int64_t read_counter(struct fixture *f, const char *key)
{
    struct buf payload = {0};
    int64_t number = -1;
    f->count = 0;
    mp_put_map(&payload, 1);
    mp_put_text(&payload, "Key");
    key_of(&payload, key);
    put_op(new_job(f, 0), OP_READ, "things", &payload);
    close_job(f);
    f->jobs[0].has_id = false;
    f->jobs[0].call = true;
    fixture_run(f);
    struct outcome o = outcome_of(f, 0);
    struct value item = value_map_get(&o.value, slice_text("Item"));
    struct value n = value_map_get(&item, slice_text("n"));
    if (n.type == VALUE_N)
        assert_true(value_to_int(&n, &number));
    buf_finish(&payload);
    f->count = 0;
    return number;
}

struct outcome look_up(struct fixture *f, unsigned n)
{
    struct buf payload = {0};
    struct id id = id_of(n);
    f->count = 0;
    mp_put_bin(&payload, id.bytes, ID_BYTES);
    put_op(new_job(f, 0), OP_LOOKUP, "", &payload);
    close_job(f);
    f->jobs[0].has_id = false;
    f->jobs[0].call = true;
    fixture_run(f);
    buf_finish(&payload);
    return outcome_of(f, 0);
}
