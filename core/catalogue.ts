/** What a caller may do next: `retry` unchanged, `fix` the request, or `ask` a person. */
export type Remedy = 'retry' | 'fix' | 'ask'

export interface ErrorSpec {
  readonly status: number
  readonly remedy: Remedy
  /** What happened, in one sentence. */
  readonly summary: string
  /** What to do next, in one sentence. */
  readonly next: string
}

/** Every failure we report. A code is public API: add freely, rename never. Rendered to docs/errors.md. */
export const catalogue = {
  // the request
  INPUT_INVALID: {
    status: 400,
    remedy: 'fix',
    summary: 'The request does not match its schema.',
    next: 'Correct what `detail` names; /openapi.json has the schemas of requests.',
  },
  TIME_PAST: {
    status: 400,
    remedy: 'fix',
    summary: 'The due time lies in the past.',
    next: 'Give a `runAt` in the future, with its UTC offset.',
  },
  TOO_LATE: {
    status: 409,
    remedy: 'fix',
    summary: 'The action could only have been begun later than `maxLatenessSeconds` allows, so it was not begun.',
    next: 'Ask for it anew if it is still wanted, or allow more lateness.',
  },
  TIME_TOO_FAR: {
    status: 400,
    remedy: 'fix',
    summary: 'The due time, or an expiry, lies beyond the longest delegation this installation allows.',
    next: 'Choose an earlier time, or ask the operator to raise `delegation.maxDays`.',
  },
  SERVICE_UNKNOWN: {
    status: 400,
    remedy: 'fix',
    summary: 'The Keystone catalogue has no such service for this project and region.',
    next: 'Use a service type of your catalogue (`openstack catalog list`).',
  },
  PATH_REFUSED: {
    status: 400,
    remedy: 'fix',
    summary: 'The path is not one below the endpoint of the service.',
    next: 'Give a path such as `/servers/{id}/action`: no scheme, host, `..` or fragment.',
  },
  BODY_TOO_LARGE: {
    status: 413,
    remedy: 'fix',
    summary: 'The request body is larger than this route takes.',
    next: 'Send a smaller body, or split the batch.',
  },
  MEDIA_TYPE_UNSUPPORTED: {
    status: 415,
    remedy: 'fix',
    summary: 'The route does not take this content type.',
    next: 'Send the content type that /openapi.json names for the route.',
  },
  ROUTE_NOT_FOUND: {
    status: 404,
    remedy: 'fix',
    summary: 'There is no such route.',
    next: 'See /docs for the routes of this version.',
  },

  // who asks
  TOKEN_MISSING: {
    status: 401,
    remedy: 'fix',
    summary: 'The request carries no credentials.',
    next: 'Send a project-scoped Keystone token in `X-Auth-Token`; signal sources send `Authorization: Bearer`.',
  },
  TOKEN_INVALID: {
    status: 401,
    remedy: 'fix',
    summary: 'Keystone does not accept the token, or it is not scoped to a project.',
    next: 'Get a new project-scoped token (`openstack token issue`).',
  },
  SOURCE_REFUSED: {
    status: 401,
    remedy: 'fix',
    summary: 'The bearer token belongs to no signal source of this route.',
    next: 'Check the token of the source against `sources` in steward.yaml.',
  },
  ROLE_MISSING: {
    status: 403,
    remedy: 'ask',
    summary: 'The caller lacks a role that the request needs in this project.',
    next: 'Ask the owner of the project, or the operator, for one of the roles named in `detail`.',
  },
  PERSON_NEEDED: {
    status: 403,
    remedy: 'fix',
    summary: 'The token was got through a trust, so nobody can tell who is behind it; this is for people themselves.',
    next: 'Log in as yourself.',
  },
  DELEGATION_REFUSED: {
    status: 403,
    remedy: 'fix',
    summary: 'Keystone refused to make the trust.',
    next: 'Do what `detail` says: give `applicationCredential`, or authenticate with a password or a federated login.',
  },
  CREDENTIAL_REFUSED: {
    status: 403,
    remedy: 'fix',
    summary: 'The application credential will not do: wrong, not yours, of another project, or it expires too early.',
    next: 'Give one that does not have the fault named in `detail` (`openstack application credential create`).',
  },
  ACCESS_RULE_MISSING: {
    status: 403,
    remedy: 'fix',
    summary: 'The access rules of the application credential leave out a call that the work needs.',
    next: 'Make one whose access rules have those named in `detail` as well; rules cannot be changed afterwards.',
  },

  // what is there
  ACTION_NOT_FOUND: {
    status: 404,
    remedy: 'fix',
    summary: 'This project has no action with this id.',
    next: 'List the actions of the project: GET /v1/actions.',
  },
  ACTION_CLOSED: {
    status: 409,
    remedy: 'fix',
    summary: 'The action has ended or is being carried out; it cannot be changed or cancelled any more.',
    next: 'Read its outcome: GET /v1/actions/{id}.',
  },
  RESULT_MISSING: {
    status: 409,
    remedy: 'fix',
    summary: 'A step of a chain needs a value that an earlier step did not leave.',
    next: 'Read how the earlier step went; correct its `saves` or the pointer of the reference.',
  },
  TARGET_MISSING: {
    status: 409,
    remedy: 'fix',
    summary: 'What an action is about does not exist, or not for the person whose rights it uses.',
    next: 'Check the id and the project; an action on something that will exist later is made when it does.',
  },
  QUOTA_SHORT: {
    status: 409,
    remedy: 'fix',
    summary:
      'The project has less quota left than an action will take. It is a warning: there may be enough when it is due.',
    next: 'Free some of it, or have the quota raised, before the action is due.',
  },
  EFFECT_FAILED: {
    status: 409,
    remedy: 'ask',
    summary: 'The call was accepted, but what it began ended without effect.',
    next: 'Read why at the service, by the request id of the action; then create the action anew.',
  },
  GROUP_INCOMPLETE: {
    status: 409,
    remedy: 'ask',
    summary: 'An action on many targets was done on some of them only.',
    next: 'Read which in its `group`; a replay does the rest, where what is done already is left alone.',
  },
  IDEMPOTENCY_KEY_REUSED: {
    status: 409,
    remedy: 'fix',
    summary: 'The Idempotency-Key was used before, for something else.',
    next: 'Take a new key for each new request; the same key with the same body gives the same action.',
  },
  INCIDENT_NOT_FOUND: {
    status: 404,
    remedy: 'fix',
    summary: 'There is no incident with this id.',
    next: 'List the incidents: GET /v1/incidents.',
  },
  DELEGATION_NOT_FOUND: {
    status: 404,
    remedy: 'fix',
    summary: 'There is no delegation with this id among those that the caller may see, or it has ended.',
    next: 'List them: GET /v1/delegations.',
  },
  DELEGATION_MISSING: {
    status: 404,
    remedy: 'ask',
    summary: 'Nobody has delegated rights for remediation to Steward, or the delegation has ended.',
    next: 'An operator runs `steward delegate`.',
  },
  DELEGATION_LOST: {
    status: 409,
    remedy: 'ask',
    summary:
      'The trust or the application credential cannot be used any more: deleted, expired, or its owner lost the role.',
    next: 'Its owner delegates again: a new action, or `steward delegate`.',
  },

  // the cloud
  KEYSTONE_UNREACHABLE: {
    status: 503,
    remedy: 'retry',
    summary: 'Keystone did not answer, or answered 5xx.',
    next: 'Nothing was changed; send the same request again later.',
  },
  SERVICE_LOGIN_REFUSED: {
    status: 503,
    remedy: 'retry',
    summary: "Keystone does not accept Steward's own login.",
    next: "Check the cloud's entry in clouds.yaml; work goes on by itself once the login is right.",
  },
  CLOUD_UNREACHABLE: {
    status: 503,
    remedy: 'retry',
    summary: 'An OpenStack service could not be reached; the call was not made.',
    next: 'Nothing was changed; the call is repeated while its time allows.',
  },
  CLOUD_BUSY: {
    status: 503,
    remedy: 'retry',
    summary: 'OpenStack answered that the target is busy (409, 429), or that it cannot serve now (503).',
    next: 'The call is repeated while its time allows.',
  },
  CLOUD_REFUSED: {
    status: 502,
    remedy: 'ask',
    summary: 'OpenStack rejected the call (4xx).',
    next: 'Read the reason OpenStack gave in `detail`.',
  },
  CLOUD_ANSWER_UNREADABLE: {
    status: 502,
    remedy: 'ask',
    summary: 'An answer of OpenStack does not have the shape its API promises.',
    next: 'Check that the endpoint of the catalogue leads to the service, and its version.',
  },
  MICROVERSION_UNSUPPORTED: {
    status: 502,
    remedy: 'ask',
    summary: 'The service does not offer the microversion that the call needs.',
    next: 'Use a microversion of the range named in `detail`.',
  },
  OUTCOME_UNKNOWN: {
    status: 502,
    remedy: 'ask',
    summary: 'The call was sent but its answer was lost, and looking afterwards could not tell whether it took effect.',
    next: 'Look at the target; the call is not repeated by itself.',
  },

  // remediation
  HOST_UNKNOWN: {
    status: 409,
    remedy: 'ask',
    summary: 'The alert names a host that Nova does not know.',
    next: 'Check the name against `openstack compute service list`; name a host without nova-compute under `ssh.hosts` of steward.yaml.',
  },
  SNAPSHOT_INCOMPLETE: {
    status: 409,
    remedy: 'ask',
    summary:
      'Nova, Placement and, where it is asked, Prometheus do not give one whole picture of the hosts, so no plan is made.',
    next: 'Look at the host or server named in `detail` there.',
  },
  PLAN_IMPOSSIBLE: {
    status: 409,
    remedy: 'ask',
    summary: 'No set of allowed moves reaches the goal.',
    next: 'Read the reason per server in the plan; add capacity or widen the limits.',
  },
  PLAN_STALE: {
    status: 409,
    remedy: 'fix',
    summary: 'The plan is too old, or the hosts it touches are no longer as it expects them.',
    next: 'Make a new plan; what was moved before stays where it is.',
  },
  PLAN_NOT_FOUND: {
    status: 404,
    remedy: 'fix',
    summary: 'There is no plan, or no recurring plan, with this id.',
    next: 'List them: GET /v1/plans, GET /v1/recurring-plans.',
  },
  PLAN_CLOSED: {
    status: 409,
    remedy: 'fix',
    summary: 'The plan has ended, or is not in a state in which this can be done.',
    next: 'Read its state: GET /v1/plans/{id}.',
  },
  WINDOW_CLOSED: {
    status: 409,
    remedy: 'ask',
    summary: 'The time in which waves of the plan might begin is over.',
    next: 'What was moved stays where it is; a longer window, or larger waves, let more of the next plan be carried out.',
  },
  PLAN_TOO_LARGE: {
    status: 409,
    remedy: 'fix',
    summary: 'The plan has more moves than can be kept.',
    next: 'Ask for fewer with `maxMoves`.',
  },
  MIGRATION_FAILED: {
    status: 409,
    remedy: 'ask',
    summary: 'Nova gave up a migration, or it did not end well; `detail` says where the server is.',
    next: "Read Nova's reason in the instance actions of the server.",
  },
  SERVICE_STILL_DOWN: {
    status: 409,
    remedy: 'ask',
    summary: 'The service did not come up, or did not stay up, within its time.',
    next: 'Look at the log of the service on its host.',
  },
  SIGNAL_NOT_CLEARED: {
    status: 409,
    remedy: 'ask',
    summary: 'The runbook ended well but the signal that started it did not clear.',
    next: 'Look at the host: the cause is another one than the runbook removes.',
  },
  SIGNAL_SOURCE_SILENT: {
    status: 409,
    remedy: 'ask',
    summary: 'The source of the signal went silent, so nobody can tell whether it cleared.',
    next: 'Check the log shipper or monitor of the host.',
  },
  MASS_OUTAGE: {
    status: 409,
    remedy: 'ask',
    summary: 'Half of the services of one kind, or more, look down at once, so restarting single ones is no answer.',
    next: 'Look at the message bus, the database, the network and the clocks of the control plane.',
  },
  EVACUATION_UNFINISHED: {
    status: 409,
    remedy: 'ask',
    summary:
      'Servers are being evacuated from the host, or were; a start of nova-compute there destroys their local copies.',
    next: 'See `openstack server migration list --type evacuation`; start it by hand once every server is well elsewhere.',
  },
  CLUSTER_DEGRADED: {
    status: 409,
    remedy: 'ask',
    summary:
      'Another member of the cluster is not well, cannot be asked, or cannot do without the one to be restarted.',
    next: 'Look at the member named in `detail`; members are restarted one at a time, while all others are well.',
  },
  NOT_CONFIRMED: {
    status: 409,
    remedy: 'ask',
    summary:
      'The sources of the second look do not agree, or are silent, so nobody can tell whether something is wrong.',
    next: 'Look at the host; take the incident over, or hand it back for another look.',
  },
  RUN_IN_PROGRESS: {
    status: 409,
    remedy: 'ask',
    summary: 'Another run of this runbook works on the same target.',
    next: 'Wait for that run to end.',
  },

  // the governor
  STOPPED: {
    status: 409,
    remedy: 'ask',
    summary: 'Somebody pressed the stop button, so nothing new is begun.',
    next: 'See who and why with `steward stop show`; `steward resume` when it is over, then hand the incident back.',
  },
  OBSERVE_ONLY: {
    status: 409,
    remedy: 'ask',
    summary: 'Steward only watches here: it has decided and recorded, and does nothing.',
    next: 'Switch the mode to `ask` or `auto` when you trust what it would have done.',
  },
  APPROVAL_NEEDED: {
    status: 409,
    remedy: 'ask',
    summary: 'A person must say yes to exactly this plan first.',
    next: 'Read the plan and approve or reject it: `steward incident show`, `steward incident approve`.',
  },
  APPROVAL_STALE: {
    status: 409,
    remedy: 'fix',
    summary: 'The answer is for a plan that is not being asked about: it has changed, timed out or been answered.',
    next: 'Read the present plan and answer that one.',
  },
  APPROVAL_OWN: {
    status: 403,
    remedy: 'ask',
    summary: 'Whoever asked for a plan, or has approved it already, cannot be the one who approves it.',
    next: 'Let another person look at it.',
  },
  APPROVAL_REJECTED: {
    status: 409,
    remedy: 'ask',
    summary: 'A person said no to the plan, or nobody answered in time.',
    next: 'Take the incident over, or hand it back for a new plan.',
  },
  TARGET_BUSY: {
    status: 409,
    remedy: 'ask',
    summary: 'Somebody else holds the lease on the target, and did not give it back in time.',
    next: 'See who with `steward lease list`.',
  },
  TARGET_PROTECTED: {
    status: 409,
    remedy: 'ask',
    summary: 'The target is on the list of hosts that no runbook may touch.',
    next: 'A person does it by hand, or takes the host off `governor.protectedHosts`.',
  },
  TARGET_COOLING_DOWN: {
    status: 409,
    remedy: 'ask',
    summary: 'The same runbook has just run on the same target; doing it again would hide the cause.',
    next: 'Find the cause; after the cool-down named in `detail` it may run again.',
  },
  TARGETS_MISSING: {
    status: 400,
    remedy: 'fix',
    summary: 'There is no target. Nothing never means everything.',
    next: 'Name the targets.',
  },
  FUSE_BLOWN: {
    status: 409,
    remedy: 'ask',
    summary: 'So many hosts look unhealthy at once that acting on single ones could only make it worse.',
    next: 'Look at the message bus, the database, the network and the clocks of the control plane.',
  },
  SURVEY_STALE: {
    status: 409,
    remedy: 'ask',
    summary: 'Nobody could tell in time how many hosts are well, so nothing is done.',
    next: 'Check that Nova answers; hand the incident back.',
  },
  BUDGET_EXHAUSTED: {
    status: 409,
    remedy: 'ask',
    summary: 'As much as the budget allows is being done, or was done in the last hour.',
    next: 'See the budget named in `detail` with `steward why`; wait, or raise it in steward.yaml.',
  },
  GAVE_WAY: {
    status: 409,
    remedy: 'ask',
    summary: 'The run came to an end at a safe point, because something more urgent needs its target.',
    next: 'It is planned anew when the target is free.',
  },
  LEASE_NOT_FOUND: {
    status: 404,
    remedy: 'fix',
    summary: 'There is no such lease.',
    next: 'List the leases: GET /v1/leases.',
  },
  LEASE_OF_RUN: {
    status: 409,
    remedy: 'ask',
    summary: 'The lease belongs to a run at work, or one that waits; it is never taken away, it ends with the run.',
    next: 'Take the incident over: its run ends at its next safe point.',
  },
  INCIDENT_CLOSED: {
    status: 409,
    remedy: 'fix',
    summary: 'The incident has ended, or is not in a state in which this can be done.',
    next: 'Read its state: GET /v1/incidents/{id}.',
  },
  FLAPPING: {
    status: 409,
    remedy: 'ask',
    summary: 'The alert comes and goes, so acting on each of its firings would only add to it.',
    next: 'Look at the target and at the threshold of the alert.',
  },

  // SSH
  SSH_NOT_CONFIGURED: {
    status: 409,
    remedy: 'ask',
    summary: 'steward.yaml has no SSH target or no command for this host and service.',
    next: 'Add the host under `ssh.hosts` with the commands it allows.',
  },
  SSH_HOST_KEY_MISMATCH: {
    status: 502,
    remedy: 'ask',
    summary: 'The host key is not the one in known_hosts; nothing was sent.',
    next: 'Find out why the key changed before you replace it.',
  },
  SSH_UNREACHABLE: {
    status: 503,
    remedy: 'retry',
    summary: 'The SSH connection could not be made.',
    next: 'Nothing was changed; the connection is tried again while its time allows.',
  },
  SSH_ARGUMENT_REFUSED: {
    status: 400,
    remedy: 'fix',
    summary: 'An argument of the command is missing, unknown, or not what steward.yaml allows for it.',
    next: 'Compare the arguments with `ssh.commands` of steward.yaml; nothing was sent.',
  },
  SSH_COMMAND_FAILED: {
    status: 502,
    remedy: 'ask',
    summary: 'The command ran on the host and failed.',
    next: 'Read its exit code and last lines in `detail`.',
  },
  SSH_CONNECTION_LOST: {
    status: 503,
    remedy: 'retry',
    summary: 'The connection was lost after the command had been sent; a look says that it was not done, or not yet.',
    next: 'It is looked at again; only what was not done is sent once more.',
  },
  SSH_OUTCOME_UNKNOWN: {
    status: 502,
    remedy: 'ask',
    summary: 'The command was sent, its end was not heard of, and there is no way to look whether it was done.',
    next: 'Look at the host; the command is not repeated by itself.',
  },
  SERVICE_NOT_FOUND: {
    status: 409,
    remedy: 'ask',
    summary: 'The supervisor on the host has no such service, or it is masked there.',
    next: 'Compare `ssh.hosts` of steward.yaml with what the supervisor lists.',
  },
  SSH_SUDO_REFUSED: {
    status: 502,
    remedy: 'ask',
    summary: 'sudo wanted a password, or does not allow the command.',
    next: 'Add a NOPASSWD rule with exactly these words to the sudoers of the host.',
  },
  HOST_DISK_READ_ONLY: {
    status: 502,
    remedy: 'ask',
    summary: 'The command failed because a file system of the host is read-only.',
    next: 'Look at the disk and at the kernel log of the host; a restart does not help.',
  },

  // the power of hosts
  POWER_NOT_CONFIGURED: {
    status: 409,
    remedy: 'ask',
    summary: 'steward.yaml has no way to the power of this host, or one that cannot be used.',
    next: 'Add or correct the host under `power.hosts` as `detail` says: docs/power.md.',
  },
  POWER_UNSUPPORTED: {
    status: 409,
    remedy: 'ask',
    summary: "The way to the host's power does not offer what was asked; nothing was ordered.",
    next: 'Ask for one of those that `detail` names.',
  },
  POWER_UNREACHABLE: {
    status: 503,
    remedy: 'retry',
    summary: 'What controls the power of the host did not answer, or answered that it cannot serve now.',
    next: 'The call is repeated while its time allows; check the BMC and the network to it.',
  },
  POWER_NOT_TRUSTED: {
    status: 502,
    remedy: 'ask',
    summary: 'The BMC shows a certificate that Steward does not trust; no login was sent.',
    next: 'Find out why before you add its issuer to `caFile` of the host.',
  },
  POWER_REFUSED: {
    status: 502,
    remedy: 'ask',
    summary: 'What controls the power of the host refused the login or the order.',
    next: 'Check the user and the file that `detail` names, or read the reason it gave.',
  },
  POWER_WRONG_MACHINE: {
    status: 409,
    remedy: 'ask',
    summary: 'The BMC is that of another machine than steward.yaml expects there; nothing was ordered.',
    next: 'Check cabling and address of the BMC, then `machineUuid` of the host.',
  },
  POWER_UNKNOWN: {
    status: 502,
    remedy: 'ask',
    summary: 'What the power of the host is cannot be told from the answer; it is never taken for off.',
    next: 'Look at the host yourself before anything is done that needs it to be off.',
  },
  POWER_UNCHANGED: {
    status: 409,
    remedy: 'ask',
    summary: 'The host was ordered on or off, and was not seen so, twice in a row, within its time.',
    next: 'Look at the host and its BMC; `detail` has what was read last.',
  },

  // who is told
  RECEIVER_UNKNOWN: {
    status: 404,
    remedy: 'fix',
    summary: 'There is no such receiver of notifications.',
    next: 'See `notify` in steward.yaml; API and workers need the same one.',
  },
  RECEIVER_REFUSED: {
    status: 502,
    remedy: 'fix',
    summary: 'A receiver of notifications refused an event (4xx), or pointed elsewhere (3xx); it is not sent again.',
    next: 'Check address and credentials of the receiver; then `steward notify test`.',
  },
  METRICS_UNREACHABLE: {
    status: 503,
    remedy: 'retry',
    summary: 'Prometheus, which plans ask what servers really use, did not answer, or answered that it cannot now.',
    next: 'It is asked again for a while; see that it can be reached from the worker at `prometheus.url`.',
  },
  METRICS_REFUSED: {
    status: 409,
    remedy: 'ask',
    summary: 'Prometheus refused a query for what servers really use.',
    next: 'Read its answer in `detail`; see `prometheus.queries` and the token in steward.yaml.',
  },
  RECEIVER_UNREACHABLE: {
    status: 503,
    remedy: 'retry',
    summary: 'A receiver of notifications did not answer, or answered that it cannot take an event now.',
    next: 'The event is sent again for a day; check the receiver with `steward notify test`.',
  },

  // HTTP calls of runbooks
  ADDRESS_REFUSED: {
    status: 403,
    remedy: 'fix',
    summary: 'An HTTP call of a runbook may not go where it was to go; nothing was sent.',
    next: 'Call a public https:// address, or have the operator list this one under `http` in steward.yaml.',
  },
  SECRET_UNKNOWN: {
    status: 400,
    remedy: 'fix',
    summary: 'A runbook names a secret that steward.yaml does not have.',
    next: 'Use a name under `http.secrets` of steward.yaml, which all workers need.',
  },
  ENDPOINT_REFUSED: {
    status: 502,
    remedy: 'fix',
    summary: 'An HTTP call was answered with a status that its runbook does not expect.',
    next: 'Read the answer in `detail`; correct the call, or add the status to `expectStatus`.',
  },
  ENDPOINT_UNREACHABLE: {
    status: 503,
    remedy: 'retry',
    summary: 'An HTTP call could not be sent, or one that may be repeated was not answered.',
    next: 'What may be repeated is tried again for some minutes; then start the run again.',
  },

  // runbooks
  RUNBOOK_UNKNOWN: {
    status: 404,
    remedy: 'fix',
    summary: 'There is no runbook of this name.',
    next: 'See `steward runbook list`; own ones must be in a folder that steward.yaml names, and the worker restarted.',
  },
  RUNBOOKS_UNTOLD: {
    status: 503,
    remedy: 'retry',
    summary: 'No worker has said yet which runbooks it has.',
    next: 'See that a worker runs; it tells when it starts. Then ask again.',
  },
  RUNBOOK_INVALID: {
    status: 500,
    remedy: 'fix',
    summary: 'A runbook contradicts its own declaration, or what runbooks may do.',
    next: 'Correct what `detail` names; `steward runbook check` finds it before a run does.',
  },
  EXPRESSION_FAILED: {
    status: 500,
    remedy: 'fix',
    summary: 'An expression of a declarative runbook has no value with what the run has found.',
    next: 'Correct the line that `detail` names; `has(x.y)` and `x.?y` ask whether there is a field.',
  },
  RUNBOOK_LIMIT: {
    status: 500,
    remedy: 'fix',
    summary: 'A run of a declarative runbook came to a limit that keeps every run finite.',
    next: 'Have it do less at a time: fewer items, fewer tries, smaller values; or write the runbook in TypeScript.',
  },
  CALL_NOT_DECLARED: {
    status: 500,
    remedy: 'fix',
    summary: 'A runbook wanted to do something that it has not declared; nothing was done.',
    next: 'If it should do this, add it to `needs` of the runbook and have that reviewed.',
  },
  NOT_SIMULATED: {
    status: 501,
    remedy: 'fix',
    summary: 'A runbook that is tested asked for something that the simulated cloud does not have.',
    next: 'Test the rest of it here and this on a real cloud; docs/write-a-runbook.md says what is simulated.',
  },
  ANSWER_TOO_LARGE: {
    status: 502,
    remedy: 'fix',
    summary: 'The answer of a service is too large to become part of a run.',
    next: 'Have the runbook ask for less: filters, fields, one thing at a time.',
  },
  DELEGATION_TOO_WEAK: {
    status: 403,
    remedy: 'ask',
    summary: 'The runbook needs a role that the standing delegation does not have.',
    next: 'An operator delegates it: `steward delegate --roles …`.',
  },
  RUN_NOT_FOUND: {
    status: 404,
    remedy: 'fix',
    summary: 'There is no such run.',
    next: 'See `steward run list`; runs are kept as long as the retention of the namespace says.',
  },
  RUN_ENDED: {
    status: 409,
    remedy: 'fix',
    summary: 'The run has ended.',
    next: 'See how with `steward run show`; start it anew with `steward run again`.',
  },
  RUN_OF_ANOTHER: {
    status: 409,
    remedy: 'ask',
    summary: 'The run belongs to an incident or a plan, which alone decides when it ends.',
    next: 'Take the incident over, or stop the plan: the run then ends at its next safe point.',
  },
  RUN_UNREPEATABLE: {
    status: 409,
    remedy: 'fix',
    summary: 'The run cannot be started again as it was.',
    next: 'Start its runbook by hand, with the input you mean.',
  },
  RUN_INCOMPATIBLE: {
    status: 409,
    remedy: 'ask',
    summary: 'The current code would not have taken the steps that the run has taken, so the run was not moved to it.',
    next: 'Let it end on the code it began with: see `steward run show` whether a worker has that. Or cancel it and start it anew.',
  },
  RUN_UNVERSIONED: {
    status: 409,
    remedy: 'fix',
    summary: 'The run is not bound to a version of the code, so there is nothing to move it from.',
    next: 'Nothing has to be done: such a run goes on with the code that the workers have.',
  },
  RUN_NOT_MOVED: {
    status: 503,
    remedy: 'retry',
    summary: 'No worker with the current code has taken up the move in time.',
    next: 'See that the worker which was started last still runs, and with `steward run show` what the run is bound to; then ask again.',
  },
  TARGET_UNFIT: {
    status: 409,
    remedy: 'ask',
    summary: 'A thing is not as a runbook needs it to be, so it was not touched.',
    next: 'Read what `detail` says of it; bring it into that state, or name another one.',
  },
  RUN_FAILED: {
    status: 500,
    remedy: 'ask',
    summary: 'A runbook failed with an error of its own that has no code.',
    next: 'Read the summary of the run; its author should throw `failure(code, …)`.',
  },
  RUN_TIMED_OUT: {
    status: 504,
    remedy: 'ask',
    summary: 'A run waited for something in the cloud, and it did not come.',
    next: 'Look at what `detail` names; once it is well, start the run again: what is done already is left alone.',
  },
  RUN_REFUSED: {
    status: 403,
    remedy: 'ask',
    summary: 'A run asked a person, who said no or did not answer in time.',
    next: 'Speak with whoever said no; start the run again if it is still wanted.',
  },
  QUESTION_CLOSED: {
    status: 409,
    remedy: 'fix',
    summary: 'The run does not ask this question any more.',
    next: 'See with `steward run show` what it asks now.',
  },

  // servers and hosts
  SERVER_UNFIT: {
    status: 409,
    remedy: 'ask',
    summary: 'The server is not in a state in which this can be done; nothing was changed.',
    next: 'Do away with what `detail` names, then start the run again.',
  },
  SERVER_CHANGED: {
    status: 409,
    remedy: 'ask',
    summary: 'Somebody else changed or deleted the server while it was worked on, so the run went no further.',
    next: 'Look at the server, and speak with its owner; start the run again if it is still wanted.',
  },
  HOST_UNFIT: {
    status: 409,
    remedy: 'ask',
    summary: 'The host is not in a state in which this can be done; nothing was changed.',
    next: 'Do away with what `detail` names, then start the run again.',
  },
  DEATH_UNPROVED: {
    status: 409,
    remedy: 'ask',
    summary: 'That the host is dead, or off, is not proved, so its servers are not started elsewhere.',
    next: 'Look at the host and its BMC yourself; a server that runs twice destroys its disks.',
  },
  HOST_CAME_BACK: {
    status: 409,
    remedy: 'ask',
    summary: 'The host that was given up has reported, so nothing more of it is started elsewhere.',
    next: 'Cut its power and keep it off until the evacuations have ended; then `return-host`.',
  },
  EVACUATION_FAILED: {
    status: 409,
    remedy: 'ask',
    summary: 'Not all servers of a dead host could be started elsewhere; nothing more was begun.',
    next: 'Read why in `detail`; make room or mend the server, then start the run again: it goes on with those left.',
  },
  RESULT_UNVERIFIED: {
    status: 409,
    remedy: 'ask',
    summary: 'It was done, but the services of the cloud do not show what they should afterwards.',
    next: 'Look at what `detail` names in the service that shows it.',
  },

  // Steward itself
  ENGINE_UNREACHABLE: {
    status: 503,
    remedy: 'retry',
    summary: 'Temporal does not answer; nothing was accepted.',
    next: 'Send the same request again; check /readyz.',
  },
  OVERLOADED: {
    status: 503,
    remedy: 'retry',
    summary: 'Steward takes no more signals at the moment; nothing was accepted.',
    next: 'Send the same request again later.',
  },
  CONFIG_INVALID: {
    status: 500,
    remedy: 'fix',
    summary: 'The configuration is wrong.',
    next: 'Correct the field named in `detail`.',
  },
  INTERNAL: {
    status: 500,
    remedy: 'ask',
    summary: 'Something failed inside Steward that it did not expect.',
    next: 'Look for the request id in the log of Steward.',
  },
} as const satisfies Record<string, ErrorSpec>

export type ErrorCode = keyof typeof catalogue
