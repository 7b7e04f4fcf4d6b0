"""Random settings of the planner, of the executor and of ours."""
SETTINGS = ["enable_hashjoin = off", "enable_mergejoin = off", "enable_nestloop = off", "enable_hashagg = off", "enable_sort = off", "enable_material = off",
            "enable_memoize = off", "enable_seqscan = off", "enable_indexscan = off", "enable_bitmapscan = off", "enable_incremental_sort = off", "from_collapse_limit = 1",
            "join_collapse_limit = 1", "enable_partitionwise_join = on", "enable_partitionwise_aggregate = on", "geqo_threshold = 2", "work_mem = '64kB'",
            "nae.batch = off", "nae.batch_size = 2", "nae.batch_size = 7", "jit = on", "{parallel} = on", "{parallel} = regress", "plan_cache_mode = force_generic_plan",
            "cursor_tuple_fraction = 0.01", "constraint_exclusion = on", "hash_mem_multiplier = 1"]


def draw(random, version):
    parallel = "force_parallel_mode" if version < 160000 else "debug_parallel_query"
    count = random.choice([0, 0, 0, 1, 1, 2, 4])
    return tuple(setting.replace("{parallel}", parallel) for setting in random.sample(SETTINGS, count))
