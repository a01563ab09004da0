"""The parts of bench/run, by idea:

    processes    starting and ending what is measured, and reading its memory and CPU time
    stacks       leat itself, and filling it
    loads        the load generators, and what they print
    peers        comparisons with others: bare server, bare disk, beanstalkd, Redis, NATS, RabbitMQ, moto
    paths        comparisons of leat as a whole: accept, end to end, waiting, latency, calls, idle
    queues       SQS's protocol: rates, receivers that wait, backlog, many queues
    scaling      over the number of workers
    growth       over the size of queue, table, and crowd
    scans        pages of a table, as growth reads them
    parts        each part of leat alone
    comparisons  the table of all of them
    figures      what was measured: medians, ratios (pure)
    targets      what must be reached (pure)
    tables       the printed result (pure)
    plots        the drawn result
    budget       CPU time by stage, from perf's samples
"""
