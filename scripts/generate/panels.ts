/** What the dashboards show: a panel is its title, its unit and its queries. */

export interface Panel {
  title: string
  /** Of Grafana: `reqps`, `s`, `percentunit`, `short`, `bytes` … */
  unit: string
  /** PromQL by legend. */
  queries: Record<string, string>
}

export interface Row {
  title: string
  panels: Panel[]
}

const rate = (metric: string): string => `rate(${metric}[$__rate_interval])`
const sumBy = (label: string, expression: string): string => `sum by (${label}) (${expression})`

function quantiles(histogram: string, selector: string, by = ''): Record<string, string> {
  const label = by === '' ? '' : `, ${by}`
  return Object.fromEntries(
    [0.5, 0.95, 0.99].map((quantile) => [
      `p${quantile * 100}${by === '' ? '' : ` {{${by}}}`}`,
      `histogram_quantile(${quantile}, sum by (le${label}) (${rate(`${histogram}_bucket{${selector}}`)}))`,
    ]),
  )
}

/** What every service has: asked, refused, slow, busy, large. */
export const common = (job: string): Row[] => {
  const mine = `job="${job}", instance=~"$instance"`
  return [requests(mine), process(mine)]
}

function requests(mine: string): Row {
  return {
    title: 'Requests',
    panels: [
      {
        title: 'Requests by status',
        unit: 'reqps',
        queries: { '{{status}}': sumBy('status', rate(`http_requests_total{${mine}}`)) },
      },
      {
        title: 'Share of errors (5xx)',
        unit: 'percentunit',
        queries: {
          errors: `sum(${rate(`http_requests_total{${mine}, status=~"5.."}`)}) / sum(${rate(`http_requests_total{${mine}}`)})`,
        },
      },
      {
        title: 'Duration',
        unit: 's',
        queries: quantiles('http_request_duration_seconds', `${mine}, route!~".*/stream"`),
      },
      {
        title: 'Busiest routes',
        unit: 'reqps',
        queries: {
          '{{method}} {{route}}': `topk(10, ${sumBy('method, route', rate(`http_requests_total{${mine}}`))})`,
        },
      },
      {
        title: 'Slowest routes, p95',
        unit: 's',
        queries: {
          '{{route}}': `topk(10, histogram_quantile(0.95, sum by (le, route) (${rate(`http_request_duration_seconds_bucket{${mine}, route!~".*/stream"}`)})))`,
        },
      },
    ],
  }
}

function process(mine: string): Row {
  return {
    title: 'Process',
    panels: [
      {
        title: 'Event loop delay, p99',
        unit: 's',
        queries: { '{{instance}}': `nodejs_eventloop_lag_p99_seconds{${mine}}` },
      },
      {
        title: 'CPU',
        unit: 'percentunit',
        queries: { '{{instance}}': rate(`process_cpu_seconds_total{${mine}}`) },
      },
      {
        title: 'Memory',
        unit: 'bytes',
        queries: {
          'resident {{instance}}': `process_resident_memory_bytes{${mine}}`,
          'heap {{instance}}': `nodejs_heap_size_used_bytes{${mine}}`,
        },
      },
    ],
  }
}

const perSecond = (title: string, metric: string, label: string): Panel => ({
  title,
  unit: 'ops',
  queries: { [`{{${label}}}`]: sumBy(label, rate(metric)) },
})
const level = (title: string, queries: Record<string, string>, unit = 'short'): Panel => ({
  title,
  unit,
  queries,
})

export const GATEWAY: Row[] = [
  {
    title: 'Services behind it',
    panels: [
      level('Circuit breakers (0 closed, 1 open, 2 half-open)', {
        '{{service}}': 'max by (service) (circuit_breaker_state{job="gateway"})',
      }),
      perSecond('Calls without an answer', 'upstream_failures_total', 'service'),
      {
        title: 'Attempts, duration',
        unit: 's',
        queries: quantiles('upstream_attempt_duration_seconds', 'job="gateway"', 'service'),
      },
      perSecond('Retries', 'upstream_retries_total', 'service'),
      perSecond(
        'Retries that the budget did not allow',
        'upstream_retries_denied_total',
        'service',
      ),
      {
        title: 'Redis, duration',
        unit: 's',
        queries: quantiles('redis_operations_duration_seconds', 'job="gateway"'),
      },
    ],
  },
  {
    title: 'Sockets',
    panels: [
      level('Connected now', { '{{instance}}': 'websocket_connections_active' }),
      level('New connections', { connected: `sum(${rate('websocket_connections_total')})` }, 'ops'),
      perSecond('Not accepted', 'websocket_rejected_total', 'reason'),
      perSecond('Events of clients', 'websocket_events_total', 'event'),
      level('Follows the event stream', { '{{instance}}': 'event_feed_connected' }),
      level('Events followed', { '{{instance}}': rate('event_feed_events_total') }, 'ops'),
    ],
  },
  {
    title: 'Bot and people',
    panels: [
      perSecond('Updates by type', 'bot_updates_total', 'type'),
      perSecond('Messages by outcome', 'bot_messages_sent_total', 'outcome'),
      level('Backlogs', {
        inbox: 'max(bot_inbox_backlog)',
        outbox: 'max(bot_outbox_backlog)',
        notices: 'max(bot_notices_backlog)',
      }),
      perSecond('Logins', 'auth_logins_total', 'outcome'),
      level(
        'Notifications',
        {
          stored: `sum(${rate('notifications_stored_total')})`,
          seen: `sum(${rate('notifications_seen_total')})`,
        },
        'ops',
      ),
    ],
  },
]

export const STATE: Row[] = [
  {
    title: 'Store',
    panels: [
      level(
        'Writes',
        {
          writes: `sum(${rate('store_writes_total')})`,
          commits: `sum(${rate('store_commits_total')})`,
        },
        'ops',
      ),
      {
        title: 'Write to commit',
        unit: 's',
        queries: quantiles('store_write_duration_seconds', 'job="state"'),
      },
      level('Writes that wait', { '{{instance}}': 'store_writes_waiting' }),
      perSecond('Reads by cache level', 'cache_requests_total', 'level'),
      perSecond('Cache levels that failed', 'cache_errors_total', 'level'),
      level('Readers of the event stream', { '{{instance}}': 'event_stream_clients' }),
    ],
  },
  {
    title: 'Webhooks',
    panels: [
      perSecond('Deliveries by outcome', 'webhook_deliveries_total', 'outcome'),
      {
        title: 'Attempts, duration',
        unit: 's',
        queries: quantiles('webhook_delivery_duration_seconds', 'job="state"'),
      },
      level('Backlog', { '{{status}}': 'max by (status) (webhook_backlog)' }),
    ],
  },
  {
    title: 'External DB',
    panels: [
      level('Entities that wait', {
        waiting: 'max(external_db_backlog)',
        parked: 'max(external_db_parked)',
      }),
      level('Age of the oldest', { age: 'max(external_db_backlog_age_seconds)' }, 's'),
      perSecond('Writes by outcome', 'external_db_writes_total', 'outcome'),
    ],
  },
]

export const ADMIN: Row[] = [
  {
    title: 'Passwords',
    panels: [
      level('Hashes', { hashes: `sum(${rate('password_hashes_total')})` }, 'ops'),
      level('Hashes that wait', { '{{instance}}': 'password_hashes_waiting' }),
    ],
  },
]
