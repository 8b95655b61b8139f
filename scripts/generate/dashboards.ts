/** Grafana dashboards, one a service. Positions are computed. */
import { ADMIN, common, GATEWAY, STATE, type Panel, type Row } from './panels.ts'

const COLUMNS = 24
const WIDTH = 8
const HEIGHT = 8
const DATASOURCE = { type: 'prometheus', uid: '${datasource}' }

function panelOf({ title, unit, queries }: Panel, id: number, x: number, y: number) {
  return {
    id,
    type: 'timeseries',
    title,
    datasource: DATASOURCE,
    gridPos: { x, y, w: WIDTH, h: HEIGHT },
    fieldConfig: {
      defaults: { unit, min: 0, custom: { lineWidth: 1, fillOpacity: 8, showPoints: 'never' } },
      overrides: [],
    },
    options: {
      legend: { displayMode: 'list', placement: 'bottom' },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
    targets: Object.entries(queries).map(([legendFormat, expr], nth) => ({
      refId: String.fromCodePoint(65 + nth),
      datasource: DATASOURCE,
      expr,
      legendFormat,
    })),
  }
}

function panelsOf(rows: readonly Row[]): object[] {
  const panels: object[] = []
  let y = 0
  for (const { title, panels: inside } of rows) {
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title,
      collapsed: false,
      panels: [],
      gridPos: { x: 0, y, w: COLUMNS, h: 1 },
    })
    y += 1
    inside.forEach((panel, nth) => {
      const line = Math.floor((nth * WIDTH) / COLUMNS)
      panels.push(panelOf(panel, panels.length + 1, (nth * WIDTH) % COLUMNS, y + line * HEIGHT))
    })
    y += Math.ceil((inside.length * WIDTH) / COLUMNS) * HEIGHT
  }
  return panels
}

function dashboard(job: string, rows: readonly Row[]): string {
  const model = {
    uid: `potok-${job}`,
    title: `Potok · ${job}`,
    tags: ['potok'],
    schemaVersion: 39,
    version: 1,
    editable: false,
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    templating: {
      list: [
        { name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Data source' },
        {
          name: 'instance',
          type: 'query',
          label: 'Instance',
          datasource: DATASOURCE,
          query: { query: `label_values(up{job="${job}"}, instance)`, refId: 'instances' },
          refresh: 2,
          multi: true,
          includeAll: true,
          allValue: '.*',
          current: { text: 'All', value: '$__all' },
        },
      ],
    },
    panels: panelsOf([...common(job), ...rows]),
  }
  return `${JSON.stringify(model, null, 2)}\n`
}

/** Path and text of each dashboard. */
export function dashboards(): Record<string, string> {
  const all: [string, Row[]][] = [
    ['gateway', GATEWAY],
    ['state', STATE],
    ['admin', ADMIN],
  ]
  return Object.fromEntries(
    all.map(([job, rows]) => [`deploy/grafana/dashboards/${job}.json`, dashboard(job, rows)]),
  )
}
