/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is zero and shared with the processes that fork() makes, for what lies in httpd's
 * shared memory. */

#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include <cmocka.h>

static inline void *share(size_t size)
{
    /* cppcheck-suppress invalidFunctionArg; mmap() of no file is said so */
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(memory, MAP_FAILED);
    return memory;
}
