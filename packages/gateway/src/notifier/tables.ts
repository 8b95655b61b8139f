import type { NumberColumn } from '@potok/core/database'

/** Secrets that the gateway makes for itself once, the same for all replicas. */
export interface NotifierSecretsTable {
  name: string
  value: string
  created_at: NumberColumn
}

export interface NotifierTables {
  notifier_secrets: NotifierSecretsTable
}
