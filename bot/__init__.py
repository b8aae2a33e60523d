"""Trunkline: agents in chat platforms and on the web.

Read it in this order; one message walks down the first part of the list.

    contract     what an adapter author must read: Address, Message, Reply, Adapter
    tokens       how large a request is, and how large it may be
    transcript   the lines of a session: Entry, ToolCall, Usage
    ports        what commands may ask of the rest
    types        the core's own types: Session, Turn, Provider, Tool, CommandContext
    errand       how a scheduled run differs from an answer to somebody
    errors       one tree of errors, drawn in its docstring
    inbound      receive: size guard, accept durably, decide, hand on
    acceptance   the rows that an accepted message makes
    completion   what could be typed next behind a command
    admission    may this author speak here, must they be paired
    bindings     which agent answers: the most specific rule, and why
    typed        text that is a command, a word for stopping, the nearest name
    routing      message -> Drop, Pair, Command, Click or Prompt
    directives   words in a message that change how it is answered
    sessions     match or create, named children, switch, reset
    claims       a message becomes a turn: at once, or when its lane comes to it
    backlog      what a prompt does to a lane that is busy
    queue        queue modes: which waiting messages become one turn, and when
    lanes        the drain of one session: take what is due, run turns, until nothing is open
    gate         places for runs, all sessions together
    turn         performs what the loop asks, and tells the hub
    loop         the decisions of a run, as a generator
    inference    one model call of a run: request, stream
    compaction   a long transcript made shorter: notes, summary, one more line
    notes        what lasts of a conversation, kept before it is summed up
    speech       what a run says while it runs, and what is held back
    ending       how a run ends: one transaction for all of it
    reply        NO_REPLY, shaping, splitting
    preview      when to post and edit while an answer grows
    subsessions  sessions that work for others: started, told something, waited for
    children     what a session gave others to do: listed, looked into, stopped
    sending      may a session write to a conversation
    delivery     the outbox: send, edit, retries, receipts
    media        the files of a message, brought in before the model is asked
    live         typing and the growing preview of a run
    blocks       parts of an answer that are sent while it is written
    channels     the accounts that are sent through
    budget       one send budget for each limit of a platform
    events       what happens in a run, and the hub that hands it out
    crossing     events as other processes are told of them
    bridge       tells other processes what happens here, and shows what happens there
    hooks        code of the operator that runs at named points

    context      what the model sees
    providers    ways to reach models
    tools        what the model can do, and the policy that says when
    engine       transactions and wakes, embedded or on many machines
    store        SQL scripts and migrations
    opening      the store that the configuration names, with its engine
    gateway      HTTP, the socket, the pages, WebChat
    backup       everything in one file, and back from it
    schedule     work by the clock: read, planned, run, judged, delivered
    config       the configuration file: read, check, edit
    control      runs commands and records their answers
    world        the configuration as the core asks for it
    workspace    the agents' folders: made on first use, and what their tools may never touch
    folder       a folder that no path leads out of
    filenames    which names a path of a stranger may have
    keys         session keys
    steps        named step boundaries for the kill matrix
    codec        the types as JSON, for the store and the wire
    logfile      where the log is, and how grave a record is
    jsonio       JSON from strangers: one decoder with limits, and text that can be stored
    lazy         optional libraries, imported when they are first needed
    clock        time as a part that can be replaced
    toolbox      the tools of a process, each built with what it may reach
    plugins      what other packages add, once the configuration names them
    bundled      hooks that come with the program
    hooking      what hooks reach of the process
    supervisor   keeps the adapters running
    roles        what a process does of all that there is to do
    app          composition root: builds every part, start and stop order
    cli          one verb per file
    __main__     `python -m bot` is the program too
    testing      the virtual clock, the fake channel: shipped for authors of parts

The path of one message: an adapter's `run` -> its `parse` -> `inbound.Inbound` -> one transaction
(dedupe, decide, session, inbox row, wake) -> `lanes.drain` -> `turn.run` -> `loop` asks, `turn`
performs -> `reply.final_text` -> one transaction (entries, outbox, inbox done, wake) ->
`delivery` -> the adapter's `send`.
"""

__version__ = "0.1.0"
