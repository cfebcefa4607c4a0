import { expect } from 'chai';
import { isLoopback, refusalOf, type RequestFacts } from '../../src/dashboard/request-guard.ts';

const good: RequestFacts = {
  ...{ method: 'GET', host: '127.0.0.1:7480', localAddress: '127.0.0.1' },
  ...{ fetchSite: undefined, fetchMode: undefined },
};
const status = (changes: Partial<RequestFacts>, names: readonly string[] = []): number | null =>
  refusalOf({ ...good, ...changes }, names)?.status ?? null;

describe('refusalOf', () => {
  it('answers loopback by every name it has', () => {
    for (const host of [
      '127.0.0.1',
      '127.0.0.1:80',
      '127.9.9.9',
      'localhost:7480',
      'LOCALHOST',
      'localhost.',
      '[::1]',
      '[::1]:7480',
    ]) {
      expect(status({ host }), host).equal(null);
    }
  });

  it('answers the address that the connection came to, also one written as IPv6', () => {
    expect(status({ host: '10.0.0.7:7480', localAddress: '10.0.0.7' })).equal(null);
    expect(status({ host: '10.0.0.7:7480', localAddress: '::ffff:10.0.0.7' })).equal(null);
    expect(status({ host: '[2001:db8::7]:7480', localAddress: '2001:db8::7' })).equal(null);
    expect(status({ host: '10.0.0.8:7480', localAddress: '10.0.0.7' })).equal(403);
  });

  it('answers the names it was given, and refuses a name that points here by somebody else', () => {
    expect(status({ host: 'node.hospital.example' }, ['Node.Hospital.example'])).equal(null);
    for (const host of [
      'evil.example',
      'evil.example:7480',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      'hospital.example',
    ]) {
      expect(status({ host }, ['node.hospital.example']), host).equal(403);
    }
  });

  it('refuses a Host header that is none', () => {
    for (const host of [
      undefined,
      '',
      ':7480',
      '[::1',
      '::1',
      'a b',
      'localhost:port',
      'localhost@evil.example',
      'localhost/..',
      '127.0.0.1,evil.example',
    ]) {
      expect(status({ host }), String(host)).equal(403);
    }
  });

  it('refuses every method that could change something', () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'get']) {
      expect(status({ method }), method).equal(405);
    }
    expect(status({ method: 'HEAD' })).equal(null);
  });

  it('lets other sites link here, and read nothing', () => {
    expect(status({ fetchSite: 'cross-site', fetchMode: 'navigate' })).equal(null);
    expect(status({ fetchSite: 'cross-site', fetchMode: 'cors' })).equal(403);
    expect(status({ fetchSite: 'cross-site', fetchMode: 'no-cors' })).equal(403);
    // Another port of this machine is the same site and not the same origin.
    expect(status({ fetchSite: 'same-site', fetchMode: 'cors' })).equal(403);
    expect(status({ fetchSite: 'same-origin', fetchMode: 'cors' })).equal(null);
    expect(status({ fetchSite: 'none', fetchMode: 'navigate' })).equal(null);
  });
});

describe('isLoopback', () => {
  it('is true of this machine alone', () => {
    for (const host of ['127.0.0.1', '127.1.2.3', 'localhost', '::1', '[::1]'])
      expect(isLoopback(host), host).equal(true);
    for (const host of ['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example', 'example'])
      expect(isLoopback(host), host).equal(false);
  });
});
