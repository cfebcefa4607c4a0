import { expect } from 'chai';
import { heldOutWords } from '../../../src/report/index.ts';

describe('the words for held-out data', () => {
  it('are a share for tasks that answer and mm for networks that find points', () => {
    expect(heldOutWords({ task: { kind: 'logistic' } }).text(0.045)).equal('4.5 %');
    expect(heldOutWords({ task: { kind: 'teacher' } }).text(3.32)).equal('3.3 mm');
    expect(heldOutWords({ task: { kind: 'student' } }).unit).equal('median distance, mm');
    expect(heldOutWords({}).unit).equal('share of wrong answers');
  });
});
