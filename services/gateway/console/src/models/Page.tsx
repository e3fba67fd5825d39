import { useAccount } from '../api/account'
import { api } from '../api/client'
import { Loading, Skeleton, useLoaded } from '../ui/loading'
import { about } from '../ui/figures'
import { Empty, PageHead } from '../ui/notes'
import { Table } from '../ui/table'

interface Model {
  name: string
  description?: string
  ensemble?: boolean
  learned?: boolean
}

/** Which list a service tells its methods or models in, and what it calls them. */
const LISTS: Record<string, { title: string; path: string; field: 'methods' | 'models' }> = {
  ocean: { title: 'Ocean reconstruction', path: '/v1/ocean/methods', field: 'methods' },
  assimilation: { title: 'Data assimilation', path: '/v1/assimilation/methods', field: 'methods' },
  pointcloud: { title: 'Point clouds', path: '/v1/pointcloud/models', field: 'models' },
}

export function Page() {
  const services = useAccount().services.filter((service) => service in LISTS)
  return (
    <>
      <PageHead title="Models">
        What this installation can run. Weights of your own are registered with <code>tellurion models add</code>.
      </PageHead>
      <div class="stack">
        {services.map((service) => (
          <List key={service} {...LISTS[service]!} />
        ))}
        {!services.length && (
          <Empty title="No service with models is here">
            <p>Ask whoever runs this installation to start one.</p>
          </Empty>
        )}
      </div>
    </>
  )
}

function List({ title, path, field }: (typeof LISTS)[string]) {
  const loaded = useLoaded((signal) => api.get<Record<string, Model[]>>(path, { signal }), [path])
  return (
    <section class="card" aria-label={title}>
      <h2>{title}</h2>
      <Loading of={loaded} skeleton={<Skeleton lines={6} />}>
        {(answer) => (
          <Table label={`${title}: list`}>
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">What it computes</th>
                <th scope="col">Kind</th>
              </tr>
            </thead>
            <tbody>
              {(answer[field] ?? []).map((model) => (
                <tr key={model.name}>
                  <th scope="row">
                    <code>{model.name}</code>
                  </th>
                  <td>{about(model.description)}</td>
                  <td>
                    <span class="row">
                      {model.learned && <span class="tag live">learned</span>}
                      {model.ensemble && <span class="tag">ensemble</span>}
                    </span>
                  </td>
                </tr>
              ))}
            </tbody>
          </Table>
        )}
      </Loading>
    </section>
  )
}
