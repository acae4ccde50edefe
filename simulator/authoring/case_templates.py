"""The texts of new cases, with places such as `@rate` for what an author says."""

from __future__ import annotations

from string import Template


class CaseTemplate(Template):
    """A text with places such as `@rate`."""

    delimiter = "@"

    def __add__(self, other: Template) -> CaseTemplate:
        return CaseTemplate(self.template + other.template)


HEAD = CaseTemplate("""\
# yaml-language-server: $schema=case.schema.json
# A case of CaseSim. An editor with a YAML language server completes keys by the line above.
# Check it after each change: casesim check @id.yaml. Try it: casesim run @id.yaml. Test it: casesim test @id.yaml
# Look up names: casesim show @id.yaml, casesim models, casesim devices.
id: @id                # the name of this file, without .yaml
version: 1             # raise it when the case changes
title: @title
""")

SERVICE = CaseTemplate("""\
summary: "@Many at @rate a second, an answer within @within s, and a bound on the cost."
minutes: 20            # the length of a session

brief: |               # the task, in Markdown
  @Many arrive at **@rate a second**, and a model answers each of them. An answer is to come **within @within s for 95%** of the
  @many. At least **99%** are to be served, and 1,000 @many are to cost **at most @cost USD**.

  Choose the number of machines and the length of the queue. Then run the design, and defend it.

questions:             # a good candidate asks these; `rests_on` names what the answer is about
  - ask: May a @word be refused?
    phase: frame
    answer: Yes, but it counts as not served.
    rests_on: [done_share]
  - ask: How sure is the traffic?
    phase: frame
    decides: true      # the answer would change the design
    answer: It is an assumption; a count would replace it.
    rests_on: [arrivals.rate_per_s]

# A number that matters is a figure: a value with its evidence, which is measured, projected, published or assumed.
# `between` is the range that it may have in truth.
run: {days: @days, drain_days: 0.01, replications: 10}   # how long requests arrive, and how often all is repeated
unit: {one: @one, many: @plural}
arrivals:
  kind: poisson        # independent of each other; `casesim schema` lists all kinds
  rate_per_s: {value: @rate, assumed: not counted yet, between: [@low_rate, @high_rate]}

# A request goes from stage to stage until it reaches an end. `to` names the next one, `on_...` another way.
start: model
stages:
  model:
    kind: pool         # machines that serve from one queue
    label: Model
    model: @model
    precision: fp32
    device: @device
    replicas: @default
    max_queue: 5       # requests that may wait
    on_full: refused
    to: answered

ends:                  # what it means for a request to end here; without a `population`, `detected` is not used
  answered:
    label: Answered
    escalated: false
    detected: {value: 1, assumed: not used in this case}
    usd: {value: 0, assumed: the machines are counted at the pool}
  refused:
    label: Refused
    escalated: true
    detected: {value: 1, assumed: not used in this case}
    usd: {value: 0, assumed: no answer costs nothing}

objectives:            # bounds on metrics; `casesim show @id.yaml metrics` lists the metrics with their units
  - {metric: latency_served_p95_s, at_most: @within, label: "Answer, 95% within"}
  - {metric: done_share, at_least: 0.99, label: Served}
  - {metric: cost_per_1000_usd, at_most: @cost, label: "Cost of 1,000"}

choices:               # what a candidate may pick; `set` names the places that a pick writes
  machines:
    kind: number
    label: Machines
    phase: serve
    default: @default
    min: 1
    max: @most
    step: 1
    set: [stages.model.replicas]
  queue:
    kind: number
    label: Length of the queue
    phase: serve
    default: 5
    values: [1, 5, 100]
    set: [stages.model.max_queue]

curveballs:            # events that may strike during a run
  rush: {kind: traffic, label: A rush, times: 1.5, lasts_s: 120}

phases:                # the parts of a session; `prompts` are questions to think about
  - id: frame
    title: Frame
    minutes: 5
    expects: The goal in your own words, and the objective that will be hardest to meet.
    prompts: [Which objectives pull against each other?]
  - id: serve
    title: Serve
    minutes: 10
    expects: A number of machines and a queue that meet the bounds.
    prompts: [How busy may the machines be before waits grow long?]
  - id: defend
    title: Defend
    minutes: 5
    expects: The reasons for the design, with figures.
    prompts: [Which assumption would change the design?]

reference:             # a design that you ran
  balanced:
    label: Just enough machines
    set: {machines: @good, queue: 100}
    meets: [latency_served_p95_s, done_share, cost_per_1000_usd]
    text: The machines are busy three quarters of the time, so that short queues are enough.
    gives_up: A rush fills the queue for a while.

debrief:
  - title: Busy machines make long waits
    text: A queue grows without bound as the load comes near one. A few per cent less load save most of the wait.

claims:                # sentences of the texts, with the evidence that bears them out
  - {says: "@Many arrive at **@rate a second**", figure: arrivals.rate_per_s, shows: @rate}
  - {says: "**within @within s for 95%**", objective: latency_served_p95_s, shows: @within}
  - {says: "At least **99%** are to be served", objective: done_share, shows: 0.99}
  - {says: "**at most @cost USD**", objective: cost_per_1000_usd, shows: @cost}

tests:                 # what `casesim test` is to find
  meets:
    - {design: balanced, objectives: [latency_served_p95_s, done_share, cost_per_1000_usd]}
  fails:
    - {design: default, objectives: [cost_per_1000_usd]}
""")

PEOPLE = CaseTemplate("""\
summary: "@Many at @rate a second, a model that flags, people who look, and a bound on the cost."
minutes: 20            # the length of a session

brief: |               # the task, in Markdown
  @Many arrive at **@rate a second**. A model flags some of them, and people look at those. The design is to find **85%** of all
  positives. People are to see **95% of the flagged @many within @within s**, and 1,000 @many are to cost **at most @cost USD**.

  Choose the threshold of the model and the number of people. Then run the design, and defend it.

questions:             # a good candidate asks these; `rests_on` names what the answer is about
  - ask: How many of the @many are positive?
    phase: frame
    decides: true      # the answer would change the design
    answer: It is an assumption; a count would replace it.
    rests_on: [population.prevalence]
  - ask: How good is the model?
    phase: frame
    decides: true
    answer: No @word has a label yet. The scores are assumed from a similar task.
    rests_on: [model]

# A number that matters is a figure: a value with its evidence, which is measured, projected, published or assumed.
# `between` is the range that it may have in truth.
run: {days: @days, drain_days: 0.1, replications: 10}   # how long requests arrive, and how often all is repeated
unit: {one: @one, many: @plural}
arrivals:
  kind: poisson        # independent of each other; `casesim schema` lists all kinds
  rate_per_s: {value: @rate, assumed: not counted yet, between: [@low_rate, @high_rate]}
population:            # what may be positive, so that the run counts what is found and missed
  positive: is a positive
  negative: is a negative
  escalated: seen by people
  prevalence: {value: @prevalence, assumed: not counted yet, between: [0.02, 0.1]}

# A request goes from stage to stage until it reaches an end. `to` names the next one, `on_...` another way.
start: model
stages:
  model:
    kind: pool         # machines that serve from one queue
    label: Model
    model: @model
    precision: fp32
    device: @device
    replicas: @good
    # With labels of your own, import their scores (casesim scores import FILE.csv) and write `scores: mine.NAME`.
    scores: {auc: @auc, assumed: a similar task; no label yet, positives: 2000, negatives: 8000}
    to: threshold
  threshold:
    kind: gate         # sends each request along one of several routes
    label: Threshold
    by: score
    answers: true      # the requester has an answer here; people look at it later
    routes:
      - {at_sensitivity: 0.8, to: people}    # the threshold that 80% of the labelled positives reach
      - {to: cleared}
  people:
    kind: people
    label: People
    shifts: [{start: "00:00", end: "24:00", people: @few_readers}]
    minutes: {median: {value: @minutes, assumed: a look of fifteen seconds, between: [0.15, 0.5]}, sigma: @spread}
    usd_per_hour: {value: @pay, assumed: a paid hour with overheads, between: [20, 50]}
    sensitivity: {value: 0.97, assumed: people overlook a few, between: [0.9, 1]}
    specificity: {value: 0.98, assumed: people are seldom wrong, between: [0.95, 1]}
    positive_to: confirmed
    negative_to: cleared

ends:                  # what it means for a request to end here
  confirmed:
    label: Confirmed by people
    escalated: true
    detected: {value: 1, assumed: what people confirm is found}
    usd: {value: 0, assumed: the time of people is counted with the shift}
  cleared:
    label: Cleared
    escalated: false
    detected: {value: 0, assumed: what is cleared is missed}
    usd: {value: 0, assumed: an automatic message}

objectives:            # bounds on metrics; `casesim show @id.yaml metrics` lists the metrics with their units
  - {metric: sensitivity, at_least: 0.85, label: Positives found}
  - {metric: wait_p95_s.people, at_most: @within, label: "Wait for people, 95% within"}
  - {metric: cost_per_1000_usd, at_most: @cost, label: "Cost of 1,000"}

choices:               # what a candidate may pick; `set` names the places that a pick writes
  threshold:
    kind: number
    label: Positives above the threshold
    phase: model
    default: 0.8
    values: @shares
    set: [stages.threshold.routes.0.at_sensitivity]
  people:
    kind: number
    label: People
    phase: serve
    default: @few_readers
    min: 1
    max: @most_readers
    step: 1
    set: [stages.people.shifts.0.people]

curveballs:            # events that may strike during a run
  rush: {kind: traffic, label: A rush, times: 1.5, lasts_s: 600}

phases:                # the parts of a session; `prompts` are questions to think about
  - id: frame
    title: Frame
    minutes: 5
    expects: The goal in your own words, and the objective that will be hardest to meet.
    prompts: [Which objectives pull against each other?]
  - id: model
    title: Model
    minutes: 5
    expects: A threshold, and the errors that it leaves.
    prompts: [What happens to a positive below the threshold?]
  - id: serve
    title: Serve
    minutes: 5
    expects: People that hold the load.
    prompts: [How many of the requests come to people?]
  - id: defend
    title: Defend
    minutes: 5
    expects: The reasons for the design, with figures.
    prompts: [Which assumption would change the design?]

reference:             # a design that you ran
  balanced:
    label: A low threshold and enough people
    set: {threshold: @good_share, people: @readers}
    meets: [sensitivity, wait_p95_s.people, cost_per_1000_usd]
    text: The threshold lets most positives through, and the people are just enough for all that it flags.
    gives_up: People look at many negatives.

debrief:
  - title: The threshold decides the work of people
    text: A lower threshold finds more positives and flags many more negatives, and people look at all of them.

claims:                # sentences of the texts, with the evidence that bears them out
  - {says: "@Many arrive at **@rate a second**", figure: arrivals.rate_per_s, shows: @rate}
  - {says: "find **85%** of all positives", objective: sensitivity, shows: 0.85}
  - {says: "**95% of the flagged @many within @within s**", objective: wait_p95_s.people, shows: @within}
  - {says: "**at most @cost USD**", objective: cost_per_1000_usd, shows: @cost}

tests:                 # what `casesim test` is to find
  meets:
    - {design: balanced, objectives: [sensitivity, wait_p95_s.people, cost_per_1000_usd]}
  fails:
    - {design: default, objectives: [sensitivity]}
""")
