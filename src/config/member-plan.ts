/** A plan when members come, go, or label other tasks: everything stays as agreed but who takes part. */
import type { NodeId } from '../base/index.ts';
import type { Plan, PlanStage } from '../wire/index.ts';
import type { MemberLabels } from './load-preset.ts';
import { minParticipantsOf } from './run-plan.ts';

/**
 * The plan with other members. Those who left take part in nothing. Newcomers, and members whose labels changed, take part in
 * the stages whose task they label and in the student's; all others where they did. A stage can end up without anybody: no
 * manifest allows that, so the caller looks with `emptyStage`.
 */
export function planForMembers(
  plan: Plan,
  before: readonly MemberLabels[],
  after: readonly MemberLabels[],
): Plan {
  const isSettled = (member: MemberLabels): boolean =>
    before.some(({ id, labels }) => id === member.id && labels.join() === member.labels.join());
  const stages = plan.stages.map((stage): PlanStage => {
    const takesPart = (member: MemberLabels): boolean => {
      if (isSettled(member)) return stage.participants.includes(member.id);
      return stage.task === undefined || member.labels.includes(stage.task);
    };
    const participants: NodeId[] = after
      .filter(takesPart)
      .map(({ id }) => id)
      .sort();
    const isSame = participants.join() === stage.participants.join();
    if (isSame) return stage;
    return { ...stage, participants, minParticipants: minParticipantsOf(participants.length) };
  });
  return { ...plan, stages };
}

/** The first stage in which nobody takes part; null when there is none. */
export function emptyStage({ stages }: Plan): string | null {
  return stages.find(({ participants }) => participants.length === 0)?.id ?? null;
}
