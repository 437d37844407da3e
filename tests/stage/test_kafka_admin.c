/* SPDX-License-Identifier: MIT */
/* Questions to the cluster, while it is not settled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/stage/mock_kafka.h"

static void a_group_whose_coordinator_moves_is_asked_again(void **state)
{
    (void)state;
    struct mock_kafka *broker = mock_kafka_open();
    mock_kafka_put_task(broker, 0, "a", "{}");
    mock_kafka_put_task(broker, 1, "b", "{}");
    mock_kafka_move_coordinator(broker, 3);
    assert_int_equal(mock_kafka_lag(broker), 2);
    mock_kafka_close(broker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_whose_coordinator_moves_is_asked_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
