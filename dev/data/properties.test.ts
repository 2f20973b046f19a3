import { expect, test } from 'vitest'
import { brokerProperties } from './broker.ts'
import { renderProperties } from './properties.ts'

test('keys and values are escaped as Java reads them', () => {
  const text = renderProperties({ 'a b': ' x', path: 'C:\\d', lines: 'one\ntwo', on: true, 'k:=': 1 })
  expect(text).toBe('a\\ b=\\ x\npath=C:\\\\d\nlines=one\\ntwo\non=true\nk\\:\\==1\n')
})

test('the broker tells clients its advertised name and listens where it is told', () => {
  const address = {
    listenHost: '0.0.0.0',
    advertisedHost: 'host.penstock.test',
    port: 9_092,
    controllerPort: 9_093,
  }
  expect(brokerProperties(address, '/data')).toMatchObject({
    listeners: 'PLAINTEXT://0.0.0.0:9092,CONTROLLER://127.0.0.1:9093',
    'advertised.listeners': 'PLAINTEXT://host.penstock.test:9092',
  })
})
