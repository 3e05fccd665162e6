//! Examples at the foot of each command's help. They are tried out: every one can be typed.

pub(super) const DEV: &str = "\
Examples:
  packtrain dev
  packtrain dev --listen 127.0.0.1:9000
  packtrain dev --data-dir try --exit-when-ready
  packtrain dev --stack redis
  packtrain dev --stack aws
  packtrain dev --stack redis,aws
  packtrain dev --stack redis --no-worker
  packtrain dev --live
  packtrain dev --live --record answers
  packtrain dev --replay answers
  packtrain dev --feed-fault busy";
pub(super) const API: &str = "\
Examples:
  packtrain api
  packtrain api --listen 0.0.0.0:7800";
pub(super) const WORKER: &str = "\
Examples:
  packtrain worker
  packtrain worker --lanes pulse,io";
pub(super) const SCHEDULER: &str = "\
Example:
  packtrain scheduler";
pub(super) const HEALTH: &str = "\
Examples:
  packtrain health
  packtrain health --part worker
  packtrain health --part api --ready";
pub(super) const MIGRATE: &str = "\
Examples:
  packtrain migrate
  packtrain migrate --aws
  packtrain migrate --bootstrap-url postgres://postgres:...@db/postgres --database packtrain";
pub(super) const ENQUEUE: &str = "\
Examples:
  packtrain enqueue tax.import --tenant ten_... --payload '{\"file\":\"fil_...\"}'
  packtrain enqueue tax.report --tenant ten_... --payload @request.json --wait
  packtrain enqueue ops.prune --deadline 2027-01-31T18:00:00Z";
pub(super) const KEYS: &str = "\
A scope says what a key may do:
  user      work on the data of its tenant: files, reports, comparisons, alerts and their endpoints
  operator  see and change the jobs of all tenants, lanes, schedules and workers
  viewer    read what operators see, and change nothing: for scalers such as KEDA, for collectors
            of /metrics, and for screens

Examples:
  packtrain keys new --name keda --scope viewer
  packtrain keys new --name ada --scope user --new-tenant Ada
  packtrain keys new --name \"ada's laptop\" --scope user --tenant ten_...
  packtrain keys list
  packtrain keys revoke key_...";
pub(super) const KEYS_NEW: &str = "\
Examples:
  packtrain keys new --name keda --scope viewer
  packtrain keys new --name ada --scope user --new-tenant Ada
  packtrain keys new --name ops --scope operator,viewer
  packtrain keys new --name \"ada's laptop\" --scope user --tenant ten_...";
pub(super) const KEYS_LIST: &str = "\
Examples:
  packtrain keys list
  packtrain keys list --tenant ten_... --all";
pub(super) const KEYS_REVOKE: &str = "\
Example:
  packtrain keys revoke key_...";
pub(super) const JOBS: &str = "\
Examples:
  packtrain jobs
  packtrain jobs list --state dead --kind tax.report
  packtrain jobs show job_0190...
  packtrain jobs retry job_0190... job_0191...";
pub(super) const JOBS_LIST: &str = "\
Examples:
  packtrain jobs list
  packtrain jobs list --state dead --kind tax.report
  packtrain jobs list --lane io --limit 200 --json
  packtrain jobs list --before job_0190...";
pub(super) const JOBS_SHOW: &str = "\
Examples:
  packtrain jobs show job_0190...
  packtrain jobs show job_0190... --json";
pub(super) const JOBS_CANCEL: &str = "\
Example:
  packtrain jobs cancel job_0190... job_0191...";
pub(super) const JOBS_RETRY: &str = "\
Example:
  packtrain jobs retry job_0190... job_0191...";
pub(super) const JOBS_DISCARD: &str = "\
Example:
  packtrain jobs discard job_0190...";
pub(super) const LANES: &str = "\
Examples:
  packtrain lanes
  packtrain lanes pause bulk
  packtrain lanes resume bulk";
pub(super) const LANES_LIST: &str = "\
Examples:
  packtrain lanes list
  packtrain lanes list --json";
pub(super) const LANES_PAUSE: &str = "\
Example:
  packtrain lanes pause bulk";
pub(super) const LANES_RESUME: &str = "\
Example:
  packtrain lanes resume bulk";
pub(super) const DEAD: &str = "\
Examples:
  packtrain dead
  packtrain dead retry 25f3fa8b5ada6d90 --dry-run
  packtrain dead retry --kind alerts.deliver
  packtrain dead discard 25f3fa8b5ada6d90";
pub(super) const DEAD_LIST: &str = "\
Examples:
  packtrain dead list
  packtrain dead list --limit 200 --json";
pub(super) const DEAD_RETRY: &str = "\
Examples:
  packtrain dead retry 25f3fa8b5ada6d90 --dry-run
  packtrain dead retry 25f3fa8b5ada6d90
  packtrain dead retry --kind alerts.deliver --tenant ten_...";
pub(super) const DEAD_DISCARD: &str = "\
Examples:
  packtrain dead discard 25f3fa8b5ada6d90
  packtrain dead discard --lane bulk --dry-run";
pub(super) const SCHEDULES: &str = "\
Examples:
  packtrain schedules
  packtrain schedules run ops.prune
  packtrain schedules edit ops.keep_warm --cron '*/10 * * * *' --zone Europe/Berlin
  packtrain schedules edit ops.prune --jitter 600 --overlap skip
  packtrain schedules edit ops.keep_warm --disable";
pub(super) const SCHEDULES_LIST: &str = "\
Examples:
  packtrain schedules list
  packtrain schedules list --json";
pub(super) const SCHEDULES_RUN: &str = "\
Example:
  packtrain schedules run ops.prune";
pub(super) const SCHEDULES_EDIT: &str = "\
Examples:
  packtrain schedules edit ops.keep_warm --cron '*/10 * * * *' --zone Europe/Berlin
  packtrain schedules edit ops.prune --jitter 600 --overlap skip
  packtrain schedules edit ops.keep_warm --disable
  packtrain schedules edit ops.keep_warm --enable --missed latest";
pub(super) const WORKERS: &str = "\
Examples:
  packtrain workers
  packtrain workers drain wrk_0190...
  packtrain workers drain --of-version 0.1.0";
pub(super) const WORKERS_LIST: &str = "\
Examples:
  packtrain workers list
  packtrain workers list --limit 200 --json";
pub(super) const WORKERS_DRAIN: &str = "\
Examples:
  packtrain workers drain wrk_0190...
  packtrain workers drain --of-version 0.1.0";
pub(super) const TOP: &str = "\
Examples:
  packtrain top
  packtrain top --every 5
  packtrain top --once
  packtrain top --json";
pub(super) const CONFIG: &str = "\
Examples:
  packtrain config show
  packtrain config show --origin";
pub(super) const COMPLETIONS: &str = "\
Example:
  packtrain completions zsh > _packtrain";
