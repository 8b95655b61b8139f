import { runProcess } from '@potok/core/process'
import { buildApp } from './app.ts'
import { Config } from './config.ts'

await runProcess({ schema: Config, build: buildApp })
